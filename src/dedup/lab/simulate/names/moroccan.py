"""Moroccan names as Dutch registries romanise them: by ear, so that one name has many spellings."""

from __future__ import annotations

from dedup.lab.simulate.names.pools import NamePool, compounds, listed, pool, words

GIVEN_COMMON = words("""
Fatima Khadija Naima Samira Karima Rachida Hanane Nadia Malika Latifa Saida Najat Hafida Zohra Fatiha Jamila Souad
Mina Ikram Hajar Yousra Chaima Imane Loubna Siham Ilham Laila Nora Noura Sanae Ouafa Wafa Btissam Ibtissam Bouchra
Asmae Asma Hayat Houda Hind Dounia Oumaima Soumaya Sara Salma Mariam Maryam Meryem Nisrine Nawal Naoual Rajae Rahma
Sabah Safae Sihame Touria Yamina Yasmina Zineb Zainab Zahra Ghizlane Habiba Halima Hasna Fadoua Farida Faiza Amina
Aicha Amal Ahlam Aziza Btihal Chahrazad Charifa Dalila Doha Hakima Jihane Kaoutar Kenza Keltoum Lamia Leïla Mouna
Naïma Nezha Oumayma Rabia Rania Rkia Saloua Sanaa Tamimount Tlaitmas Yamna Fatna Fatma Zoulikha Louiza Mimount Mimouna
""")
SURNAMES_COMMON = listed("""
El Idrissi,Ben Ali,El Amrani,Bouzidi,El Khattabi,Azzouzi,El Yaakoubi,Ben Moussa,Bouali,El Haddad,Amrani,Idrissi,
Alaoui,El Alaoui,Benali,Ben Haddou,El Mokhtari,Chaouch,El Bouzidi,Aarab,Aynan,El Hamdaoui,Ait Ali,Ait Taleb,
Ait Lahcen,Ouali,Boutahar,El Ghazi,El Fassi,El Kadi,El Hadi,El Morabit,Mrabet,Ahmed,Mohamed,Hassani,El Hassani,
Belkacem,Benhaddou,Bouchta,Bouhaddou,Bouazza,El Bakkali,Bakkali,El Kaddouri,Kaddouri,El Ouali,Ouaali,Zerouali,
El Mansouri,Mansouri,Tahiri,El Tahiri,El Yousfi,Yousfi,Saidi,El Saidi,Rahmani,El Rahmani,Ziani,Ziouani,Achahbar,Afkir,
Aknin,Allouch,Amezian,Arrass,Asbai,Aouragh,Azaoum,Baali,Bachiri,El Bachiri,Barkani,Belarbi,Benaissa,Benamar,Ben Amar,
Ben Yahia,Berrada,Boujemaa,Boulahrouz,Boussata,Chakir,Charif,Cherkaoui,Dahmani,Daoudi,El Daoudi,Ennaji,Essaidi,Fadil,
Farhat,El Farissi,Ghalbzouri,El Ghalbzouri,Haddouch,Hajji,El Hajji,Hamdi,Hammouti,El Hammouti,Jabri,El Jabri,Karroum,
Khalfi,El Khalfi,Lachhab,Laghmouchi,Lahlou,Loukili,El Loukili,Maatoug,Makhloufi,Marzouk,Mesbahi,El Messaoudi,
Messaoudi,Moumni,El Moumni,Naji,Ouahabi,El Ouahabi,Oulad Ali,Oulad Haj,Rachidi,Sabri,Salhi,Slimani,Taouil,Touzani,
El Touzani,Yaakoubi,Zahraoui,El Zahraoui,Zarouali,Zouggagh
""")
STEMS = "Bel Ben Bou Ham Zer Kar Mes Cha Dah Taj Lam Naj Sou Yah Azz Fak Gou Haj Jou Lou Mou Rah Sal Tou Zou"
ENDINGS = "aoui ani idi ouchi adi arbi kacem mane rani zani hali hami lali mari nani fari taoui dani ssaoui chti"

# How one registry writes what another writes otherwise; each pair works both ways.
SPELLINGS = (
    ("ou", "u"),
    ("ch", "sh"),
    ("kh", "gh"),
    ("dj", "j"),
    ("aa", "a"),
    ("ss", "s"),
    ("dd", "d"),
    ("i", "y"),
    ("ï", "i"),
    ("ae", "a"),
    ("ine", "in"),
    ("ane", "an"),
    ("oua", "wa"),
    ("h", ""),
    ("k", "q"),
    ("oe", "ou"),
)


def given_names() -> NamePool:
    """Return given names; several are spellings of one another, as in real registries."""
    return pool((1.0, GIVEN_COMMON, 0.6))


def surnames() -> NamePool:
    """Return surnames, with el, al, ben, ait or oulad before many of them."""
    return pool((0.65, SURNAMES_COMMON, 0.45), (0.35, compounds(STEMS, ENDINGS, before=("", "El", "", "", "Ben")), 0.3))
