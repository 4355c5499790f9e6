"""The commands. Each is a few lines that read arguments and print; what they do is elsewhere, and is imported only when
the command needs it, so that `presa parse` starts without a database and `presa who` without a web server.
"""

import sys


def main() -> None:
    """The `presa` command: trouble is one clear line on stderr and exit code 1 (2 for wrong arguments), never a trace."""
    from gateway.cli.commands import app
    from gateway.errors import Trouble
    from gateway.settings.source import ConfigError

    try:
        app()
    except ConfigError as error:
        for line in error.problems:
            print(line, file=sys.stderr)
        sys.exit(1)
    except Trouble as error:
        print(f"presa: {error.public}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
