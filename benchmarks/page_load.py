"""An open-loop load of one page: requests leave at their time, whether or not others are back."""

import asyncio
from dataclasses import dataclass, field

import aiohttp
import numpy as np

CONNECTIONS = 64
PATIENCE = aiohttp.ClientTimeout(total=10)


@dataclass
class Load:
    """What came back.

    Attributes
    ----------
    seconds : list of float
        From the time at which each request was to leave until its last byte: a server that stalls
        is charged for every request that had to wait.
    errors : list of str
        Of requests that failed, or whose answer was not the page.
    """

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def quantile_ms(self, q: float) -> float:
        """Quantile of the latency in milliseconds."""
        return float(np.quantile(self.seconds, q)) * 1000


def load(url: str, holds: str, rate: int, seconds: float) -> Load:
    """Ask for a page ``rate`` times a second.

    Parameters
    ----------
    holds : str
        What the page has to hold to count as the page.
    """
    return asyncio.run(_load(url, holds, rate, seconds))


async def _load(url: str, holds: str, rate: int, seconds: float) -> Load:
    found = Load()
    clock = asyncio.get_running_loop().time
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, timeout=PATIENCE) as session:
        began = clock() + 0.1

        async def ask(number: int) -> None:
            due = began + number / rate
            try:
                async with session.get(url) as reply:
                    body = await reply.read()
                    if reply.status != 200 or holds.encode() not in body:
                        found.errors.append(f"status {reply.status}, {len(body)} bytes")
            except (aiohttp.ClientError, TimeoutError) as error:
                found.errors.append(repr(error))
                return
            found.seconds.append(clock() - due)
            found.sizes.append(len(body))

        async with asyncio.TaskGroup() as asked:
            # one by one: to prepare them all at once would take longer than the first may wait
            for number in range(round(rate * seconds)):
                await asyncio.sleep(began + number / rate - clock())
                asked.create_task(ask(number))
    return found
