"""What the client knows for certain: each command is written down before it is sent, each answer after it came."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A command that was answered with success: the suite must never lose it."""

    key: str
    path: str
    event: str
    body: dict[str, Any]


@dataclass
class Ledger:
    """Keys and answers, each forced to the disk before the client goes on."""

    path: Path
    sent: dict[str, str] = field(default_factory=dict)
    acknowledged: dict[str, Acknowledged] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    repeats_answered: int = 0

    def about_to_send(self, key: str, path: str) -> None:
        self.attempts += 1
        if key not in self.sent:
            self.sent[key] = path
            self._write({"sent": key, "path": path})

    def answered(self, key: str, status: int, event: str, body: dict[str, Any], *, repeat: bool) -> None:
        """A final answer: success, or a refusal that another try would meet again."""
        self.repeats_answered += repeat
        if status >= 400:
            self.refused[key] = status
            self._write({"refused": key, "status": status})
            return
        self.acknowledged[key] = Acknowledged(key, self.sent[key], event, body)
        self._write({"acknowledged": key, "event": event, "id": body.get("id")})

    @property
    def unknown(self) -> set[str]:
        """Sent, and no answer came: carried out or not."""
        return set(self.sent) - set(self.acknowledged) - set(self.refused)

    def _write(self, entry: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
