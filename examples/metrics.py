"""Export a pool's health with OpenTelemetry.

`watch` needs OpenTelemetry's API alone (`pip install aiocognito[otel]`): it hands the
numbers to whatever meter provider the program has set up. Run by itself this sets up the
SDK with a reader that keeps the numbers in memory, makes a local Cognito whose tokens
live for seconds, uses three sessions for a while and prints what was measured.

    python examples/metrics.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import anyio
from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from aiocognito import PoolHealth, Scheduler, Session, UserPool
from aiocognito.testing import LocalCognito

COUNTERS = ("sign_ins", "refreshes", "failures", "throttles", "ends", "lapses")
GAUGES = ("oldest_token_age", "last_success_age", "waiting", "refresh_rate", "unsaved")


def watch(meter: Meter, pool: UserPool) -> None:
    """Register a pool's numbers; they are read when the exporter asks for them."""

    def number(name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def read(options: CallbackOptions) -> Iterable[Observation]:
            value = getattr(pool.health(), name)
            if value is not None:
                yield Observation(value, labels)

        return read

    def sessions(options: CallbackOptions) -> Iterable[Observation]:
        health: PoolHealth = pool.health()
        for state, count in health.sessions.items():
            yield Observation(count, {**labels, "state": state})

    labels = {"user_pool": pool.user_pool_id, "client": pool.client_id}
    meter.create_observable_gauge("aiocognito.sessions", [sessions], unit="{session}")
    for name in COUNTERS:
        meter.create_observable_counter(f"aiocognito.{name}", [number(name)])
    for name in GAUGES:
        meter.create_observable_gauge(f"aiocognito.{name}", [number(name)])


async def use(session: Session) -> None:
    while True:
        await session.access_token()
        await anyio.sleep(0.1)


async def main() -> None:
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    async with (
        LocalCognito(access_token_validity=3, id_token_validity=3) as local,
        Scheduler() as s,
    ):
        local.add_user("ana", "Correct-Horse-9!")
        async with UserPool(
            local.user_pool_id, local.client_id, endpoint_url=local.url, scheduler=s
        ) as pool:
            watch(metrics.get_meter("aiocognito"), pool)
            sessions = [await pool.sign_in("ana", "Correct-Horse-9!") for _ in range(3)]
            with anyio.move_on_after(4):
                async with anyio.create_task_group() as group:
                    for session in sessions:
                        group.start_soon(use, session)
            show(reader)


def show(reader: InMemoryMetricReader) -> None:
    data = reader.get_metrics_data()
    assert data is not None
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    state = dict(point.attributes or {}).get("state", "")
                    print(f"{metric.name} {state}", getattr(point, "value", "?"))


if __name__ == "__main__":
    anyio.run(main)
