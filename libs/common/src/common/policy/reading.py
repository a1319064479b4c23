"""Packs as files: YAML in several parts, read so that every value still knows its file and line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from common.policy.pack import Pack, examine
from common.policy.refusals import Finding, PackInvalid, Place, Problem
from common.policy.ruled import Effective

_CONSTRUCTORS = yaml.SafeLoader.yaml_constructors
EXAMPLES = "_examples"
"""The folder among packs that holds the examples: packs that only tests load."""
_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "bool", "null", "timestamp", "float")}


@dataclass(frozen=True, slots=True)
class Written:
    """What the files say: the merged content, where each value stands, and what could not be read."""

    content: dict[str, Any] = field(default_factory=dict)
    places: dict[Place, tuple[Path, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def locate(self, place: Place) -> tuple[Path | None, int | None]:
        """File and line of the value, or of the nearest one around it that is written somewhere."""
        for length in range(len(place), 0, -1):
            known = self.places.get(_written_steps(place[:length], self.places))
            if known:
                return known
        first = next(iter(self.places.values()), None)
        return (first[0].parent, None) if first else (None, None)


def _written_steps(place: Place, places: Mapping[Place, tuple[Path, int]]) -> Place:
    """The place without the steps that only the models know, such as the member of a union."""
    steps: Place = ()
    for step in place:
        if (*steps, step) in places:
            steps = (*steps, step)
    return steps


def load_pack(directory: Path) -> Pack:
    """The pack whose parts are the YAML files of a directory, over those that it extends; ``PackInvalid`` lists all
    that is wrong, with lines."""
    written = read_extended(directory)
    if written.findings:
        raise PackInvalid(written.findings)
    pack, problems = examine(written.content)
    if pack is not None and pack.jurisdiction != directory.name:
        sentence = f"the pack of {pack.jurisdiction!r} lies in the directory {directory.name!r}"
        problems = [*problems, Problem(("jurisdiction",), sentence)]
    if pack is not None and not isinstance(pack.effective, Effective):
        sentence = "the days on which the pack is in force have neither a source nor an assumption"
        problems = [*problems, Problem(("effective",), sentence)]
    if pack is None or problems:
        raise PackInvalid([Finding(*written.locate(place), sentence) for place, sentence in problems])
    return pack


def beside(directory: Path, name: str) -> Path:
    """What a pack has in common with others: it lies beside the pack; an example's may lie beside all examples."""
    nearest = directory.parent / name
    outside = directory.parent.name == EXAMPLES and not nearest.is_dir()
    return directory.parents[1] / name if outside else nearest


def read_extended(directory: Path, extending: tuple[Path, ...] = ()) -> Written:
    """The parts of a directory, merged over those of the directory beside it that its ``extends`` names.

    ``extending``: the directories that lead here. A base says nothing of a jurisdiction, and its sources name their
    documents: they would otherwise quote the document of whoever extends it.
    """
    written = read_files(sorted(directory.glob("*.yaml")), directory)
    named = written.content.get("extends")
    if named is None or written.findings:
        return written
    base = beside(directory, str(named))
    file, line = written.places[("extends",)]
    if base in (directory, *extending):
        round_trip = " → ".join(path.name for path in (*extending, directory, base))
        return _refused(file, line, f"packs extend one another in a circle: {round_trip}")
    if not base.is_dir():
        return _refused(file, line, f"it extends {named!r}, which does not lie beside it")
    below = read_extended(base, (*extending, directory))
    for key in ("jurisdiction", "name", "effective", "main_document"):
        if (key,) in below.places:
            below.findings.append(Finding(*below.places[(key,)], f"{key!r} is not for a pack that others extend"))
    below.findings.extend(_sources_without_document(below, below.content, ()))
    if below.findings:
        return below
    content = merged(below.content, {key: value for key, value in written.content.items() if key != "extends"})
    content["extends"] = named
    return Written(content, {**below.places, **written.places}, [])


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` over ``base``. Sections and tables are merged by key; a value with its rule, and a list, is replaced
    whole; null leaves out what the base has."""
    result = dict(base)
    for key, value in own.items():
        standing = base.get(key)
        if value is None:
            result.pop(key, None)
        elif (
            isinstance(value, Mapping) and isinstance(standing, Mapping) and not {"rule"} & (set(value) | set(standing))
        ):
            result[key] = merged(standing, value)
        else:
            result[key] = value
    return result


def _refused(file: Path, line: int, sentence: str) -> Written:
    return Written({}, {}, [Finding(file, line, sentence)])


def _sources_without_document(written: Written, value: Any, place: Place) -> list[Finding]:
    if isinstance(value, list):
        return [
            found for i, item in enumerate(value) for found in _sources_without_document(written, item, (*place, i))
        ]
    if not isinstance(value, Mapping):
        return []
    source = value.get("source")
    found = [each for key, item in value.items() for each in _sources_without_document(written, item, (*place, key))]
    if isinstance(source, Mapping) and "document" not in source:
        sentence = "a pack that others extend names the document of each source"
        found.append(Finding(*written.locate((*place, "source")), sentence))
    return found


def read_files(files: Iterable[Path], directory: Path) -> Written:
    """The parts merged; a section that stands in two files, and everything that is not plain YAML, is a finding."""
    written = Written()
    for file in files:
        part = read_file(file)
        written.findings.extend(part.findings)
        for section, content in part.content.items():
            if section in written.content:
                other = written.places[(section,)][0].name
                line = part.places[(section,)][1]
                written.findings.append(Finding(file, line, f"{section!r} already stands in {other}"))
            else:
                written.content[section] = content
                written.places.update({place: at for place, at in part.places.items() if place[0] == section})
    if not written.content and not written.findings:
        written.findings.append(Finding(directory, None, "no part of a pack lies here"))
    return written


def read_file(file: Path) -> Written:
    """One part."""
    written = Written()
    try:
        text = file.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        written.findings.append(Finding(file, line, f"this is not YAML: {error.problem}"))
        return written
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        written.findings.append(Finding(file, None, f"this is not YAML: {error}"))
        return written
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else None
            written.findings.append(
                Finding(file, line, f"*{event.anchor} refers back: write it out, one line one fact")
            )
            return written
    if isinstance(root, yaml.MappingNode):
        written.content.update(_plain(root, (), file, written))
    else:
        written.findings.append(Finding(file, 1, "a part of a pack is a mapping of sections"))
    return written


def _plain(node: yaml.Node, place: Place, file: Path, written: Written) -> Any:
    line = node.start_mark.line + 1
    if place:
        written.places.setdefault(place, (file, line))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, file, written)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, index), file, written) for index, item in enumerate(node.value)]
    if node.tag not in _PLAIN_TAGS:
        written.findings.append(Finding(file, line, f"the tag {node.tag!r} has no place in a pack"))
        return None
    try:
        return _CONSTRUCTORS[node.tag](yaml.SafeLoader(""), node)
    except ValueError as error:
        written.findings.append(Finding(file, line, f"{node.value!r} can not be read: {error}"))
        return None


def _mapping(node: yaml.MappingNode, place: Place, file: Path, written: Written) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        line = key_node.start_mark.line + 1
        if key_node.tag != "tag:yaml.org,2002:str":
            written.findings.append(Finding(file, line, f"the key {key!r} is not read as text: quote it"))
        elif key in content:
            written.findings.append(Finding(file, line, f"the key {key!r} stands here twice"))
        else:
            written.places[(*place, key)] = (file, line)
            content[key] = _plain(value_node, (*place, key), file, written)
    return content
