"""Follow sound that is still coming: python stream.py URL < samples, 16 bits at 16 kHz."""

import asyncio
import json
import sys

from websockets.asyncio.client import ClientConnection, connect


async def send(stream: ClientConnection) -> None:
    await stream.send(json.dumps({"rate": 16000, "format": "pcm16"}))
    while chunk := await asyncio.to_thread(sys.stdin.buffer.read1, 3200):
        await stream.send(chunk)
    await stream.send(json.dumps({"end": True}))


async def follow(url: str) -> None:
    async with connect(f"{url.replace('http', 'ws', 1)}/v1/stream") as stream:
        sending = asyncio.create_task(send(stream))
        async for message in stream:
            update = json.loads(message)
            if "detail" in update:
                raise SystemExit(update["detail"])
            for segment in update["closed"]:
                print(segment["start"], segment["end"], segment["emotion"])
        await sending


asyncio.run(follow(sys.argv[1]))
