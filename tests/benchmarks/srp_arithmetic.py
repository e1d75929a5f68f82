"""What the arithmetic of one SRP sign-in costs, by backend, beside pycognito's.

    python tests/benchmarks/srp_arithmetic.py [rounds]

Every column is CPU time of this process, in milliseconds, the least and the median of
many rounds. A round runs every contender a few times in a row (the first run after
another contender's finds cold caches) and takes the mean; rounds follow one another, so
that a busy machine disturbs everybody. Each sign-in stands beside the powers it consists
of, called straight in its backend: the quotient is what our own code adds. The second
table gives everybody the same secret of 1,024 bits, so that the choice of the secret's
length and the choice of the backend can be told apart.

pycognito is measured in this process where it can be imported, otherwise by the
interpreter of tests/peers, before and after the rounds.
"""

from __future__ import annotations

import json
import platform
import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

try:
    from pycognito.aws_srp import AWSSRP
except ImportError:
    AWSSRP = None

Contenders = dict[str, Callable[[], object]]

PYCOGNITO = "pycognito"
IN_A_ROW = 4
GROUP, USER, PASSWORD = "Ab12Cd34E", "ana", "Passw0rd!"
SALT, BLOCK = "551d68b7653544cf0adf6aafbeea69d1", "QUJD" * 428
MOMENT = "Tue Sep 5 07:08:09 UTC 2023"
LONG_SECRET = secrets.randbits(1024) | 1 << 1023


def measure(contenders: Contenders, rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of CPU time of every round, by contender."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        contender()  # builds tables and loads modules
    for _ in range(rounds):
        for name, contender in contenders.items():
            started = time.process_time_ns()
            for _ in range(IN_A_ROW):
                contender()
            times[name].append((time.process_time_ns() - started) / 1e6 / IN_A_ROW)
    return times


# --- pycognito -----------------------------------------------------------------------


def pycognito_contenders(srp_b: str) -> dict[str, Contenders]:
    """Its part of a sign-in that computes, without the calls; by table."""
    parameters = {
        "USER_ID_FOR_SRP": USER,
        "USERNAME": USER,
        "SALT": SALT,
        "SRP_B": srp_b,
        "SECRET_BLOCK": BLOCK,
    }

    class SameSecret(AWSSRP):
        def generate_random_small_a(self) -> int:
            return LONG_SECRET

    def sign_in(kind: type) -> Callable[[], object]:
        def run() -> object:
            srp = kind(USER, PASSWORD, f"eu-west-1_{GROUP}", "client", client=object())
            request = srp.get_auth_params()
            return srp.process_challenge(parameters, request)

        return run

    return {
        "as used": {PYCOGNITO: sign_in(AWSSRP)},
        "equal": {PYCOGNITO: sign_in(SameSecret)},
    }


def pycognito_elsewhere(srp_b: str, rounds: int) -> dict[str, list[float]] | None:
    """Have the peers' interpreter measure; None if there is none."""
    sys.path.insert(0, str(ROOT))
    from tests.peers import peers_interpreter

    interpreter = peers_interpreter()
    if not interpreter.exists():
        return None
    done = subprocess.run(
        [interpreter, __file__, "--pycognito", srp_b, str(rounds)],
        capture_output=True,
        text=True,
        check=True,
    )
    measured: dict[str, list[float]] = json.loads(done.stdout)
    return measured


def measure_pycognito(srp_b: str, rounds: int) -> None:
    tables = pycognito_contenders(srp_b)
    print(json.dumps({name: measure(table, rounds)[PYCOGNITO] for name, table in tables.items()}))


# --- ours ----------------------------------------------------------------------------


class Ours:
    """The contenders that need aiocognito; imported here, the peers' Python has none."""

    def __init__(self) -> None:
        from aiocognito.srp import _openssl_bn, formulas, group, handshake, modexp

        self.modexp, self.formulas, self.handshake, self.group = modexp, formulas, handshake, group
        self.backends = {name: modexp.load_backend(name) for name in modexp.available_backends()}
        self.default = modexp.prepare()
        self.x = formulas.compute_x(int(SALT, 16), formulas.identity_hash(GROUP, USER, PASSWORD))
        v = pow(group.g, self.x, group.N)
        self.B = formulas.server_public(v, secrets.randbits(256))
        self.srp_b = f"{self.B:x}"
        self.base = (self.B - group.k * v) % group.N
        self.bn = _openssl_bn

    def sign_in(self, name: str, secret: int | None) -> Callable[[], object]:
        """Return one whole client's part: A, the challenge read, the claim signed."""
        backend = self.backends[name]
        draw = secrets.token_bytes

        def run() -> object:
            self.modexp._chosen = backend
            if secret is None:
                client = self.handshake.Handshake(draw)
            else:
                client = object.__new__(self.handshake.Handshake)
                client._a, client._A = secret, self.modexp.powmod(self.group.g, secret)
                client.srp_a = f"{client._A:x}"
            return client.claim(
                group=GROUP,
                identity=USER,
                password=PASSWORD,
                srp_b=self.srp_b,
                salt=SALT,
                secret_block=BLOCK,
                timestamp=MOMENT,
            )

        return run

    def exponents(self, secret: int | None) -> tuple[int, int, int]:
        a = secret or secrets.randbits(256) | 1 << 255
        u = self.formulas.compute_u(pow(self.group.g, a, self.group.N), self.B)
        return a, self.x, a + u * self.x

    def straight(
        self, powmod: Callable[[int, int], int], secret: int | None
    ) -> Callable[[], object]:
        """Return the three powers of a sign-in and nothing else."""
        a, x, long = self.exponents(secret)
        g, base = self.group.g, self.base

        def run() -> object:
            return powmod(g, a), powmod(g, x), powmod(base, long)

        return run

    def openssl_itself(self, secret: int | None) -> Callable[[], object]:
        """Return the same without turning Python's numbers into OpenSSL's and back."""
        power = self.bn.load()
        lib = power._lib
        g, base = power._number(self.group.g), power._number(self.base)
        a, x, long = (power._number(n) for n in self.exponents(secret))
        result, context = lib.BN_new(), lib.BN_CTX_new()

        def run() -> object:
            for number, exponent in ((g, a), (g, x), (base, long)):
                lib.BN_mod_exp_mont_consttime(
                    result, number, exponent, power._modulus, context, power._montgomery
                )
            return result

        return run

    def contenders(self, secret: int | None) -> Contenders:
        table: Contenders = {}
        for name, backend in self.backends.items():
            table[name] = self.sign_in(name, secret)
            table[f"{name}, straight"] = self.straight(backend.powmod, secret)
        if "openssl-bn" in self.backends:
            table["OpenSSL itself, straight"] = self.openssl_itself(secret)
        table["pow, straight"] = self.straight(
            lambda base, exponent: pow(base, exponent, self.group.N), secret
        )
        return table


# --- printing ------------------------------------------------------------------------


def least(times: list[float]) -> float:
    return min(times)


def show(title: str, measured: dict[str, list[float]], backends: list[str]) -> None:
    print(f"\n{title}")
    print(f"{'':28}{'least':>9}{'median':>9}{'/ straight':>12}{'/ OpenSSL':>11}{'pycognito /':>13}")
    floor = measured.get("OpenSSL itself, straight")
    reference = measured.get(PYCOGNITO)
    for name, times in measured.items():
        straight = measured.get(f"{name}, straight") if name in backends else None
        if name == PYCOGNITO:
            straight = measured["pow, straight"] if "equal" in title else None
        columns = [
            f"{least(times) / least(straight):.2f}" if straight else "",
            f"{least(times) / least(floor):.2f}" if floor else "",
            f"{least(reference) / least(times):.1f}" if reference else "",
        ]
        print(
            f"{name:28}{least(times):9.3f}{statistics.median(times):9.3f}"
            f"{columns[0]:>12}{columns[1]:>11}{columns[2]:>13}"
        )


def show_lock(ours: Ours) -> None:
    """Print how much another thread gets done while one computes powers."""
    print("\nwork done by a second thread beside one that computes powers (1: as if alone)")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # hand the lock over at once, wherever it is free
    for name, backend in ours.backends.items():
        print(f"{name:28}{share_of_a_second_thread(backend.powmod, ours.group.N):9.2f}")
    sys.setswitchinterval(interval)


def share_of_a_second_thread(powmod: Callable[[int, int], int], N: int) -> float:
    """Count steps while another thread computes, and while one sleeps as long."""

    def compute() -> None:
        for _ in range(20):
            powmod(N // 3, N // 5)

    started = time.perf_counter()
    beside = steps_beside(compute)
    took = time.perf_counter() - started
    return beside / steps_beside(lambda: time.sleep(took))


def steps_beside(work: Callable[[], None]) -> int:
    worker = threading.Thread(target=work)
    worker.start()
    steps = 0
    while worker.is_alive():
        steps += 1
    return steps


def main(rounds: int = 25) -> dict[str, dict[str, list[float]]]:
    """Print everything; return the milliseconds by table and contender."""
    ours = Ours()
    print(f"CPython {platform.python_version()}, {platform.machine()}, {rounds} rounds")
    print(f"SRP arithmetic of one sign-in, client side; our default here is {ours.default}")
    tables = {
        "as used": ("as used: a has 256 bits, pycognito's 1,024", None),
        "equal": ("equal exponents: everybody's a has the same 1,024 bits", LONG_SECRET),
    }
    elsewhere = None if AWSSRP else pycognito_elsewhere(ours.srp_b, rounds)
    measured = {}
    for name, (_, secret) in tables.items():
        contenders = pycognito_contenders(ours.srp_b)[name] if AWSSRP else {}
        measured[name] = measure(contenders | ours.contenders(secret), rounds)
    if elsewhere:
        again = pycognito_elsewhere(ours.srp_b, rounds) or {}
        for name in tables:
            measured[name] = {PYCOGNITO: elsewhere[name] + again.get(name, [])} | measured[name]
    for name, (title, _) in tables.items():
        show(title, measured[name], list(ours.backends))
    if PYCOGNITO not in measured["equal"]:
        print("\npycognito is not installed; `python tests/peers` puts it where it is found")
    show_lock(ours)
    return measured


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pycognito"]:
        measure_pycognito(sys.argv[2], int(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:2]))
