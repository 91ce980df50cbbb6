"""Whatever is sent, the service answers, has no fault and loses no process."""

import asyncio
import re
from collections import Counter
from typing import Any

from benchmarks.campaigns.mutations import Mutations
from benchmarks.campaigns.wire import (
    HUNG,
    Address,
    Answer,
    converse,
    exchange,
    problem_status,
    request,
)
from benchmarks.launcher import descendants

#: Seconds for an answer; the limits of time of the service have to be shorter.
PATIENCE = 20.0
#: Requests after which one that is right is sent.
_EVERY = 50
#: What a process of the service counts, by status.
_COUNTED = re.compile(rb'^bilstm_hmm_requests_total\{[^}]*status="500"\} ([0-9.e+]+)', re.MULTILINE)


def is_fault(answer: Answer) -> bool:
    """Say whether an answer shows a fault of the service, or is none.

    503, for want of room, is no fault. A stream is closed with 1011 after one.
    """
    if answer.outcome in (HUNG, "1011") or problem_status(answer.body) == 500:
        return True
    is_http = answer.outcome.isdigit() and len(answer.outcome) == 3
    return is_http and answer.outcome >= "500" and answer.outcome != "503"


async def fuzz(url: str, pid: int, n_mutations: int, connections: int) -> dict[str, Any]:
    """Send mutations; return outcomes of each kind, and the numbers of those that show a fault.

    Parameters
    ----------
    pid
        Of the service; its workers are below it.
    connections
        Mutations under way at a time.
    """
    address, mutations = Address.of(url), Mutations()
    outcomes: dict[str, Counter[str]] = {}
    faults: list[int] = []
    right: Counter[str] = Counter()
    numbers = iter(range(n_mutations))
    processes, counted = set(descendants(pid)), await _counted(address)

    async def send_on() -> None:
        for number in numbers:
            mutation = mutations[number]
            if mutation.kind == "stream":
                answer = await converse(address, bytes(16), mutation.data, PATIENCE)
            else:
                answer = await exchange(address, mutation.data, PATIENCE)
            outcomes.setdefault(mutation.kind, Counter())[answer.outcome] += 1
            if is_fault(answer):
                faults.append(number)
            if number % _EVERY == 0:
                whole = request(b"/v1/predict", mutations.files[0])
                right[(await exchange(address, whole, PATIENCE)).outcome] += 1

    await asyncio.gather(*(send_on() for _ in range(connections)))
    return {
        "mutations": n_mutations,
        "outcomes": {kind: dict(sorted(found.items())) for kind, found in outcomes.items()},
        "faults": sorted(faults),
        "faults_counted_by_the_service": await _counted(address) - counted,
        "right_requests": dict(right),
        "processes": len(processes),
        "processes_lost": len(processes - set(descendants(pid))),
    }


async def _counted(address: Address) -> int:
    answer = await exchange(address, request(b"/metrics", b"", method=b"GET"), PATIENCE)
    return round(sum(float(count) for count in _COUNTED.findall(answer.body)))
