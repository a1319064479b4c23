"""Registrations as rows, how they are written, and the numbers of tickets."""

from .numbers import Numbers
from .rows import DUPLICATE_WINDOW, POSSIBLE_DUPLICATES, NewTicket
from .writing import Register, register_claimed

__all__ = ["DUPLICATE_WINDOW", "POSSIBLE_DUPLICATES", "NewTicket", "Numbers", "Register", "register_claimed"]
