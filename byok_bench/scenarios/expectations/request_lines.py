"""Expectations that request files of other verifiers state of an answer."""

from collections import Counter

from byok_bench.checks.offered_tools import find_offered_tools
from byok_bench.scenarios.expectations.expected import Expected, PlayedSample
from byok_bench.scenarios.schema_fit import find_misfit


class CallsFitRequest(Expected, frozen=True, kw_only=True, tag="calls_fit_request"):
    """Every call is of a tool that its request offers, with arguments that fit; nothing called is fine."""

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        for turn in seen.turns:
            body = turn.request.body
            offered = find_offered_tools(body) if isinstance(body, dict) else {}
            for call in turn.output.tool_calls:
                if call.name not in offered:
                    return f"called {call.name}, which was not offered"
                schema = offered[call.name].get("parameters")
                why = find_misfit(call.arguments or "{}", schema if isinstance(schema, dict) else {})
                if why:
                    return f"arguments of {call.name}: {why}"
        return None


class NamesInOrder(Expected, frozen=True, kw_only=True, tag="names_in_order"):
    """Of these names the text holds two or more, and they come in this order: as a server passed them on."""

    names: tuple[str, ...]

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        text = seen.last.text
        places = sorted((text.find(name), name) for name in self.names if name in text)
        order = [name for _, name in places]
        if len(order) < 2:
            return f"the answer names {len(order)} of {len(self.names)} properties"
        wanted = [name for name in self.names if name in order]
        return None if order == wanted else f"named in the order {', '.join(order)}"


class NotRepeated(Expected, frozen=True, kw_only=True, tag="not_repeated"):
    """No run of so many words comes again that often, one after the other."""

    words: int = 3
    times: int = 4

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        words = seen.last.text.split()
        runs = Counter(tuple(words[at : at + self.words]) for at in range(len(words) - self.words + 1))
        run, count = runs.most_common(1)[0] if runs else ((), 0)
        return f"{' '.join(run)!r} comes {count} times" if count >= self.times else None


class NotOnlyReasoning(Expected, frozen=True, kw_only=True, tag="not_only_reasoning"):
    """The answer is not reasoning alone: there is text or a call beside it."""

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        last = seen.last
        silent = not last.text.strip() and not last.tool_calls
        return "there is reasoning and nothing else" if silent and last.reasoning.strip() else None
