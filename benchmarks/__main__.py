"""``python -m benchmarks [NAME…] [--seconds N]``: without a name, those that this commit has no figures of yet."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable

import uvloop

from benchmarks import p1, p2, p4, p5, p5_recount, p9, results

_ALL: dict[str, Callable[[float], Awaitable[None]]] = {
    "p1": p1.measure,
    "p2": p2.embedded,
    "p2-kafka": p2.kafka,
    "p4": p4.measure,
    "p5": p5.measure,
    "p5-recount": p5_recount.measure,
    "p9": p9.measure,
}


async def _run(names: list[str], seconds: float) -> None:
    now = results.commit()
    for name in names or _ALL:
        earlier = results.kept(name)
        if not names and earlier is not None and earlier["commit"] == now:
            print(f"{name}: measured on {now} already, see benchmarks/results/{name}.json", flush=True)
            continue
        print(f"{name}, {seconds:.0f} s a side", flush=True)
        async with asyncio.timeout(1800):
            await _ALL[name](seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Figures beside an anchor of the same run."
    )
    parser.add_argument("names", nargs="*", choices=[*_ALL, []], metavar="NAME", help=", ".join(_ALL))
    parser.add_argument("--seconds", type=float, default=15.0, help="length of each measured side")
    said = parser.parse_args()
    uvloop.run(_run(said.names, said.seconds))
