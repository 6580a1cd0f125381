"""The group of commands. Each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from monitor.service.garbage import collect_rarely

# command -> (module, function, what it does); the order is that of --help
COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "run": ("monitor.cli.run", "run", "Run a site: poll, judge, show and tell, until Ctrl-C."),
    "init": ("monitor.cli.sites", "init", "Copy a fresh site into a folder."),
    "check": ("monitor.cli.rules", "check", "Name every mistake of a site with file and line."),
    "test": ("monitor.cli.rules", "test", "Run the rule tests of a site."),
    "schema": ("monitor.cli.rules", "schema", "Print a JSON Schema for editors."),
    "explain": ("monitor.cli.look", "explain", "Say why a unit has its colour."),
    "report": (
        "monitor.cli.report",
        "report",
        "Reports for people and programs; evidence for audits.",
    ),
    "replay": ("monitor.cli.replay", "replay", "Judge the recorded past again and name the differences."),
    "preview": ("monitor.cli.preview", "preview", "Say what other rules would change right now."),
    "probe": ("monitor.cli.probe", "probe", "Ask a unit's targets now and show how it went."),
    "incidents": ("monitor.cli.look", "incidents", "List open incidents."),
    "ack": ("monitor.cli.answer", "ack", "Acknowledge an incident."),
    "import": ("monitor.cli.importing", "import_table", "Take a table of figures in by hand."),
    "silence": ("monitor.cli.mute", "silence", "Tell nobody of some incidents for a while: add, list, end."),
    "maintenance": ("monitor.cli.mute", "maintenance", "Planned work, once or recurring: add, list, end."),
    "route": ("monitor.cli.route", "route", "Say who would hear what, when and by which channel."),
    "directory": ("monitor.cli.directory", "directory", "Who holds which role, and units whose plan reaches nobody."),
    "notify": ("monitor.cli.notify", "notify", "Send a test message to somebody and say what became of it."),
    "simulate": ("monitor.cli.world", "simulate", "Serve a simulated province to poll."),
    "doctor": ("monitor.cli.doctor", "doctor", "Say whether this machine and a site's folder can run the service."),
    "story": ("monitor.cli.story", "story", "August 2025 in Thai Nguyen on a fast clock."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        collect_rarely()  # first: a tenth of what imports take is looking for garbage among what they make
        command: Any = getattr(importlib.import_module(place[0]), place[1])
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table: importing every command for a list of their names would take a second."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=_Lazy)
@click.version_option(package_name="denbao")
def main() -> None:
    """denbao: green, yellow and red for two-tier local government.

    Polls service centres and shared systems, judges them against values and deadlines, and tells the right people until
    somebody answers. SITE is a folder with a config.yaml; without it the current folder is taken.
    """
