"""The models of symgd as scikit-learn estimators."""
