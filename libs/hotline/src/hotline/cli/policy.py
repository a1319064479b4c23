"""``hotline policy``: what can be asked of policy packs, and done with them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from common.policy import PackInvalid, pack_directories
from hotline.cli.activate import activate
from hotline.cli.asking import refuse
from hotline.mutation import try_pack
from hotline.rehearsal import checked_packs, named_packs

policy = typer.Typer(no_args_is_help=True, help="Policy packs.")
policy.command("activate")(activate)


@policy.command("check")
def policy_check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PACK…]", help="All packs, when none is named.")] = None,
    packs: Annotated[Path, typer.Option(help="Folder of policy packs and calendars.")] = Path("policies"),
) -> None:
    """Check packs: schema, sources, gaps, rows that never win, and every scenario against the calendar.

    A folder of packs may be named, too: ``_examples``, or one of it, ``_examples/flat``.
    """
    unknown = [name for name in names or () if not named_packs(packs, (name,))]
    if unknown:
        raise refuse(f"No pack {', '.join(unknown)} in {packs}; a base is checked with the packs that extend it.")
    checked, calendars = checked_packs(packs, tuple(names or ()))
    for finding in (*calendars, *(found for one in checked for found in one.findings)):
        print(finding)
    for one in checked:
        found = f"{len(one.findings)} findings" if one.findings else "no findings"
        print(f"{one.name}: {one.scenarios} scenarios, {found}")
    if calendars or any(one.findings for one in checked):
        raise typer.Exit(1)


@policy.command("mutate")
def policy_mutate(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PACK…]", help="All packs, when none is named.")] = None,
    packs: Annotated[Path, typer.Option(help="Folder of policy packs and calendars.")] = Path("policies"),
    only: Annotated[str, typer.Option(help="Only values whose place begins so, such as limits.kinds.")] = "",
    processes: Annotated[int | None, typer.Option(help="One for each core, when none is named.", min=1)] = None,
    compared: Annotated[bool, typer.Option(help="List what is noticed only by comparison, too.")] = False,
) -> None:
    """Change each value of each pack in turn, and list those that no scenario notices.

    Changed are numbers, units of time, choices, yes and no, dates, texts people read, the articles that bases cite and
    references; entries of lists and optional parts are left out. Quotes, assumptions, comments and the suite's own rule
    ids decide nothing and stay. A pack that is refused when it is loaded counts as noticed. Told apart is what only
    a comparison of words and clauses notices (the scenarios' ``lists`` and ``values``).
    """
    found = named_packs(packs, tuple(names)) if names else list(pack_directories(packs))
    if not found or any(not named_packs(packs, (name,)) for name in names or ()):
        raise refuse(f"{packs} does not hold all of: {', '.join(names or ['a pack'])}.")
    survived = 0
    for directory in found:
        try:
            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task(directory.name)

                def tell(done: int, of: int, task: TaskID = task, progress: Progress = progress) -> None:
                    progress.update(task, completed=done, total=of)

                trial = try_pack(directory, only=only, processes=processes, tell=tell)
        except PackInvalid as invalid:
            raise refuse(f"{directory.name} does not hold as it stands:\n{invalid}") from invalid
        for line in trial.survivors:
            print(line)
        if compared:
            for line in trial.compared:
                print(f"only by comparison: {line}")
        print(
            f"{directory.name}: {trial.refused} changes refused at load, {trial.noticed} noticed by situations, "
            f"{len(trial.compared)} only by comparison, {len(trial.survivors)} survived"
        )
        survived += len(trial.survivors)
    if survived:
        raise typer.Exit(1)
