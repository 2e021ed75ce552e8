"""``symgd serve``: a page on this machine to derive, check and solve in."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="The port; 0 takes any free one.  [default: 8733, or any if it is in use]",
)
@click.option("--no-open", is_flag=True, help="Do not open the browser; print the address only.")
def serve(port: int | None, no_open: bool) -> int:
    """Open a page with a math field: derive, check and solve in the browser.

    The page is served on this machine for this machine only, works offline and stores nothing.
    Ctrl-C ends it.

    \b
    symgd serve
    symgd serve --port 9000 --no-open
    """
    from symgd.errors import UnsupportedError

    try:
        from symgd.web.server import serve as run
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("starlette", "uvicorn", "anyio", "h11"):
            raise
        raise UnsupportedError(
            "symgd serve needs Starlette and uvicorn: install the extra, pip install 'symgd[web]'"
        ) from None

    def opened(address: str) -> None:
        click.echo(f"symgd is at {address}")
        click.echo("Only this machine can reach it. Ctrl-C ends it.")
        if not no_open:
            _open_browser(address)

    run(port, opened)
    return 0


def _open_browser(address: str) -> None:
    """Open the page in the browser without waiting for it; nothing happens where there is none."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
