"""The chain rule in words for dMSE/dm and dMSE/db.

Outer function, inner function unchanged, inner derivative with all else constant,
put together: -2x(y - (mx + b)), then the sum over the rows and 1/N.
"""

import symgd


def main() -> None:
    one_row = symgd.gradient("(y - (m*x + b))^2", wrt=["m", "b"])
    print("one row:", one_row.loss)
    for name in one_row:
        print(one_row.steps(name))
        print()
    mse = symgd.gradient("mean((y - (m*x + b))^2)")
    print("all rows:", mse.loss, "   ", mse.reading)
    print(mse)
    print()
    print(mse.certificate)


if __name__ == "__main__":
    main()
