"""`python -m api`: serve what the JSON object in the one argument says; `jingui serve` is how people start it."""

import sys

import msgspec

from api.server import Serving, say_to, serve
from repository.errors import ArchiveError


def main(argument: str) -> int:
    """Serve; the exit status of the error table when that cannot be."""
    serving = msgspec.json.decode(argument, type=Serving)
    try:
        serve(serving, say_to(serving))
    except ArchiveError as error:
        sys.stderr.write(f"{error.message(serving.language)} ({error.code})\n{error.hint(serving.language)}\n")
        if serving.as_json:
            said = {"schema": "jingui.error/1", "code": error.code, "exit": error.row.exit}
            said |= {"message": error.message(serving.language), "hint": error.hint(serving.language)}
            sys.stdout.write(msgspec.json.encode(said).decode() + "\n")
        return error.row.exit
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
