from __future__ import annotations

import pytest

from aiocognito.srp import modexp


@pytest.fixture(scope="session")
def loaded_backends() -> dict[str, modexp.Backend]:
    return {name: modexp.load_backend(name) for name in modexp.available_backends()}


@pytest.fixture(params=["openssl-bn", "openssl-dh", "gmpy2", "python"])
def backend(
    request: pytest.FixtureRequest,
    loaded_backends: dict[str, modexp.Backend],
    monkeypatch: pytest.MonkeyPatch,
) -> modexp.Backend:
    """Compute every power of the test by one backend, once for each that works here."""
    if request.param not in loaded_backends:
        pytest.skip(f"{request.param} is not available in this Python")
    chosen = loaded_backends[request.param]
    monkeypatch.setattr(modexp, "_chosen", chosen)
    return chosen


@pytest.fixture
def fresh_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start as a new process does, and leave no trace."""
    monkeypatch.setattr(modexp, "_chosen", None)
    monkeypatch.setattr(modexp, "_given_up", set())
