"""Polish names: Faker's lists; a wife's surname ends in -ska where her husband's ends in -ski."""

from __future__ import annotations

from faker.providers.person.pl_PL import Provider as FakerPolish

from dedup.lab.simulate.names.pools import NamePool, pool, single_words, words

GIVEN_COMMON = words("""
Anna Katarzyna Agnieszka Małgorzata Magdalena Monika Joanna Aleksandra Natalia Karolina Ewa Paulina Justyna Dorota
Sylwia Beata Marta Iwona Aneta Kinga Weronika Patrycja Ewelina Izabela Kamila Dominika Marzena Renata Klaudia Emilia
""")


def feminine(surname: str) -> str:
    """Return the form of a surname that a woman bears."""
    return surname[:-1] + "a" if surname.endswith(("ski", "cki", "dzki")) else surname


def given_names() -> NamePool:
    """Return given names with their Polish letters."""
    return pool((0.8, GIVEN_COMMON, 0.6), (0.2, single_words(FakerPolish.first_names_female), 0.3))


def surnames() -> NamePool:
    """Return surnames in the form that women bear."""
    return pool(
        (0.3, [feminine(name) for name in FakerPolish.male_last_names], 0.7),
        (0.7, single_words(FakerPolish.unisex_last_names), 0.3),
    )


def husbands_surnames() -> NamePool:
    """Return surnames in the form that men bear."""
    return pool((0.3, FakerPolish.male_last_names, 0.7), (0.7, single_words(FakerPolish.unisex_last_names), 0.3))
