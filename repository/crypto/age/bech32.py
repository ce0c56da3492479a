"""Bech32 (BIP 173, without its limit of 90 characters): the spelling of age's keys."""

from collections.abc import Iterable

_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECK = 6


def write_bech32(prefix: str, data: bytes) -> str:
    """The data behind a lower-case prefix."""
    digits = _regrouped(data, 8, 5, pad=True)
    check = _polymod([*_expanded(prefix), *digits, *[0] * _CHECK]) ^ 1
    return f"{prefix}1" + "".join(
        _LETTERS[digit] for digit in (*digits, *((check >> 5 * (5 - place)) & 31 for place in range(_CHECK)))
    )


def read_bech32(text: str) -> tuple[str, bytes]:
    """The prefix in lower case, and the data. `ValueError` for any other text."""
    if text not in {text.lower(), text.upper()}:
        raise ValueError("mixed case")
    prefix, mark, rest = text.lower().rpartition("1")
    if not prefix or not mark or len(rest) < _CHECK or not text.isascii():
        raise ValueError("not Bech32")
    digits = [_LETTERS.find(letter) for letter in rest]
    if -1 in digits or _polymod([*_expanded(prefix), *digits]) != 1:
        raise ValueError("not Bech32")
    return prefix, bytes(_regrouped(digits[:-_CHECK], 5, 8, pad=False))


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, term in enumerate(_GENERATOR):
            check ^= term if top >> place & 1 else 0
    return check


def _expanded(prefix: str) -> list[int]:
    return [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]


def _regrouped(data: Iterable[int], wide: int, narrow: int, *, pad: bool) -> list[int]:
    """Bits in groups of another width; without padding, what is left over must be few zeros."""
    store, bits, groups = 0, 0, []
    for value in data:
        store, bits = store << wide | value, bits + wide
        while bits >= narrow:
            bits -= narrow
            groups.append(store >> bits & ((1 << narrow) - 1))
        store &= (1 << bits) - 1
    if pad and bits:
        groups.append(store << narrow - bits)
    elif not pad and (bits >= wide or store):
        raise ValueError("not Bech32")
    return groups
