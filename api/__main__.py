"""`python -m api`: serve what the JSON object in the one argument says; `jingui serve` is how people start it."""

import sys

import msgspec

from api.language import text
from api.server import Serving, say_to, serve
from repository.errors import ArchiveError


def main(argument: str) -> int:
    """Serve; the exit status of the error table when that cannot be."""
    serving = msgspec.json.decode(argument, type=Serving, dec_hook=lambda kind, value: kind(value))
    try:
        serve(serving, say_to(serving))
    except ArchiveError as error:
        message, hint = error.message(serving.language), error.hint(serving.language)
        sys.stderr.write(text("serve.error", serving.language, message=message, code=error.code) + "\n")
        sys.stderr.write(text("serve.hint", serving.language, hint=hint) + "\n")
        if serving.as_json:
            said = {"schema": "jingui.error/1", "code": error.code, "exit": error.row.exit}
            sys.stdout.write(msgspec.json.encode(said | {"message": message, "hint": hint}).decode() + "\n")
        return error.row.exit
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
