"""The targets of the two benchmarks that are programs by themselves."""

from __future__ import annotations

from aiocognito.srp import modexp
from tests.benchmarks import srp_arithmetic as arithmetic
from tests.benchmarks import token_verification as verification
from tests.benchmarks.targets import Target


def srp_arithmetic() -> list[Target]:
    """Run the SRP benchmark; compare least times, as its own tables do."""
    default = modexp.prepare()  # asked first: the benchmark puts every backend in turn
    measured = arithmetic.main()["as used"]
    least = {name: min(times) for name, times in measured.items()}
    ours, python = least[default], least["python"]
    targets = []
    if "OpenSSL itself, straight" in least:
        targets.append(
            Target(
                what="SRP arithmetic, as installed, against OpenSSL called straight",
                measured=ours / least["OpenSSL itself, straight"],
                limit=1.25,
            )
        )
    if arithmetic.PYCOGNITO in least:
        pycognito = least[arithmetic.PYCOGNITO]
        targets += [
            Target(
                what="SRP arithmetic, as installed, against pycognito",
                measured=ours / pycognito,
                limit=1 / 20,
            ),
            Target(
                what="SRP arithmetic in plain Python against pycognito",
                measured=python / pycognito,
                limit=1 / 3,
            ),
        ]
    return targets


def token_verification() -> list[Target]:
    """Run the token benchmark; compare least times, as its own table does."""
    least = {name: min(times) for name, times in verification.main().items()}
    return [
        Target(
            what=f"checking an {kind} token against the bare signature check",
            measured=least[f"ours, {kind} token"] / least[f"bare, {kind} token"],
            limit=1.6,
        )
        for kind in ("access", "ID")
    ]
