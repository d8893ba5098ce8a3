"""Names from elsewhere: Suriname, Syria, Eritrea, Cape Verde, Ghana and the rest of the world in a few lists."""

from __future__ import annotations

from faker.providers.person.es_ES import Provider as FakerSpanish
from faker.providers.person.ro_RO import Provider as FakerRomanian

from dedup.lab.simulate.names.pools import NamePool, compounds, listed, pool, single_words, words

GIVEN_COMMON = words("""
Shanti Anita Sunita Radha Priya Indira Sharmila Reshma Anisha Farah Rosita Shirley Jurmain Cheryl Gracia Merlyn Sheila
Nour Rania Rima Hala Lina Maha Reem Yara Ghada Manal Sahar Samar Hiba Rasha Mariam Selam Feven Rahel Helen Luwam
Semhar Winta Saba Eden Mihret Bilen Maria Ana Carla Sandra Elisa Ivone Dulce Akosua Abena Ama Esi Yaa Afia Dewi Ratna
Siti Indah Putri Sari Mei Ling Xin Linh Thi Mai Olena Oksana Iryna Tetiana Yuliia Svitlana Fatoumata Aminata Hodan
Asha Ifrah Sagal Hamdi Zahra Parisa Shirin Leila Nasrin Maryam Roya
""")
SURNAMES_COMMON = listed("""
Ramdin,Singh,Bissessar,Sewnath,Ramautar,Kalloe,Mahabier,Soekhoe,Jagesar,Bhagwandin,Gopal,Ramcharan,Pinas,Kromodimedjo,
Wijngaarde,Vreden,Pengel,Kensmil,Amatmoekrim,Sarmo,Al Ahmad,Al Hassan,Al Masri,Haddad,Khoury,Najjar,Darwish,Al Khatib,
Al Hamwi,Shaheen,Tesfay,Ghebremedhin,Haile,Kidane,Tekle,Mehari,Habte,Weldu,Berhane,da Silva,dos Santos,Tavares,Lopes,
Gomes,Fortes,Monteiro,Andrade,da Cruz,Mensah,Owusu,Boateng,Asante,Osei,Appiah,Agyeman,Nguyen,Tran,Wang,Li,Chen,Zhang,
Lin,Wibowo,Santoso,Suharto,Kovalenko,Shevchenko,Bondarenko,Tkachenko,Diallo,Bah,Barry,Hassan,Abdi,Ali,Farah,Warsame,
Ahmadi,Hosseini,Karimi,Mohammadi,Rezai,Popescu,Ionescu,Garcia,Martina,Maduro,Croes,Koeiman,Isenia
""")
STEMS = "Ram Bhag Soe Jag Maha Kal Dew Man Bal Chand Har Jan Lal Nan Par San Tek Wed Al Ber Dar Gha Has Kha Naj Sha Mor"
ENDINGS = "dien charan sing pal lall nath dat want pati raj pershad dass wie das mani lok war gobind deo lakhan"


def given_names() -> NamePool:
    """Return given names from many countries."""
    return pool(
        (0.72, GIVEN_COMMON, 0.4),
        (0.14, single_words(FakerSpanish.first_names_female), 0.3),
        (0.14, single_words(FakerRomanian.first_names_female), 0.3),
    )


def surnames() -> NamePool:
    """Return surnames from many countries."""
    return pool(
        (0.6, SURNAMES_COMMON, 0.4),
        (0.25, compounds(STEMS, ENDINGS), 0.2),
        (0.08, single_words(FakerSpanish.last_names), 0.3),
        (0.07, single_words(FakerRomanian.last_names), 0.3),
    )
