"""Mutation: would anybody notice if a pack said something else?

Each value of a pack is changed, one at a time and in memory, and the scenarios beside the pack are rehearsed. A change
that nothing notices is a *survivor*: a value that no scenario proves. One that is noticed only where a scenario holds
words and clauses beside the pack's own is *compared*: seen, and proven by nothing that it decides.

Changed are numbers (one more, one less), units of time and every other choice from a closed list (each other choice),
yes and no, dates (a day earlier, a day later), texts that officials or requesters read, the article that a basis
cites, references (to the next entry of the list they refer to); each entry of a list or register is left out, each
choice that a list of choices lacks is added, each optional part is left out.

Not changed are ``quote``, ``assumption`` and comments, which explain a value to whoever checks the pack and decide
nothing, and ``rule``, the suite's own number of a clause (``tests/policy/test_rules_page.py`` holds it to
``docs/rules.md``). A change that says the same in other words is left out too: a count of one day that is rolled on to
a working day is one working day, and a lamp counts working days and rolling working days back in the same way.
"""

from hotline.mutation.mutants import Mutant, mutants_of
from hotline.mutation.survivors import Placed, Trial, try_pack

__all__ = ["Mutant", "Placed", "Trial", "mutants_of", "try_pack"]
