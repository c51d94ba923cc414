"""The simulator as everybody meets it: the witness of backends/, which knows no scenario, and scripts by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from byok_bench.backends.simulator import server
from byok_bench.backends.simulator.script import Entry
from byok_bench.scenarios.scenario import Scenario
from byok_bench.scenarios.scripts import make_script


class Simulator(server.Simulator):
    __doc__ = f"""{(server.Simulator.__doc__ or "").rstrip()}
    In place of such a script its scenarios can be named, as for a run: names, groups, tags, sets, globs, files, values.
    """

    @staticmethod
    def read_script(script: Any) -> Sequence[Entry]:
        """The entries of a script: those given, or those of the scenarios that it names."""
        named = (str, Path, Scenario)
        if isinstance(script, named):
            return make_script(script)
        given = list(script)
        return make_script(given) if given and all(isinstance(one, named) for one in given) else given
