"""A page on this machine: type a loss, watch it being derived, checked and solved."""
