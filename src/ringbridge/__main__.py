"""The `ringbridge` command; everything is in `cli`, which loads what a command needs only when it runs."""

import sys


def main() -> None:
    """Run the command line of this process and leave with its exit status."""
    from ringbridge.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
