"""Servers that hold a mistake against whoever comes next: by a cooldown, by being busy, by a rate limit."""

import asyncio
import json
import time
from typing import Any

from support.bench_server import LONGEST_BODY, BenchServer

COOLDOWN_WORDS = "No deployments available for selected model, Try again in 0.2 seconds. cooldown_list=['a']"
"""The words of BerriAI/litellm (litellm/types/router.py, RouterErrors) with a shorter delay."""


class MoodyServer(BenchServer):
    """A server with a memory; answers that are not streamed are JSON documents."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.limits = 0
        """Answer 429 to this many requests."""
        self.limit_words = "Rate limit reached. Please try again in 0.2s."
        self.breaks_on_model = False
        """An unknown model is answered with 500, and puts everybody into a cooldown."""
        self.cooldown_s = 0.0
        """How long a mistake is held against everybody: 429 with the words of a gateway."""
        self.busy_s = 0.0
        """How long an over-long prompt keeps it busy; nothing is answered meanwhile."""
        self._cool_until = 0.0
        self._busy_until = 0.0

    async def _answer(self, fields: dict[str, str], raw: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            body = json.loads(raw)
        except ValueError:
            await self._refuse(writer, 400, "invalid_json", "this is no JSON")
            return
        if len(raw) > LONGEST_BODY and self.busy_s:
            self._busy_until = time.monotonic() + self.busy_s
        self.requests.append(body)
        if (left := self._busy_until - time.monotonic()) > 0:
            await asyncio.sleep(left)
            raise ConnectionError("it forgot whom to answer")
        refusal = self._refusal(fields, body, len(raw))
        if refusal is not None:
            await self._refuse(writer, *refusal)
        elif body.get("stream"):
            await self._stream(body, writer)
        else:
            await self._reply(writer)

    async def _reply(self, writer: asyncio.StreamWriter) -> None:
        message = {"role": "assistant", "content": "Hello."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer: dict[str, Any] = {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "tiny",
            "choices": [choice],
        }
        answer["usage"] = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
        text = json.dumps(answer).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        writer.write(head.encode() + text)
        await writer.drain()

    def _refusal(self, fields: dict[str, str], body: dict[str, Any], size: int) -> tuple[int, str, str] | None:
        if time.monotonic() < self._cool_until:
            return 429, "rate_limited", COOLDOWN_WORDS
        if self.limits > 0:
            self.limits -= 1
            return 429, "rate_limit_exceeded", self.limit_words
        refusal = super()._refusal(fields, body, size)
        if refusal is not None and self.cooldown_s:
            self._cool_until = time.monotonic() + self.cooldown_s
        if refusal is not None and refusal[0] == 404 and self.breaks_on_model:
            return 500, "internal_error", "KeyError"
        return refusal
