"""Turkish names: Faker's lists, the commonest names before them, and compound surnames."""

from __future__ import annotations

from faker.providers.person.tr_TR import Provider as FakerTurkish

from dedup.lab.simulate.names.pools import NamePool, compounds, pool, single_words, words

GIVEN_COMMON = words("""
Fatma Ayşe Emine Hatice Zeynep Elif Meryem Şerife Zehra Sultan Hanife Merve Havva Zeliha Esra Fadime Özlem Hacer
Yasemin Hülya Cemile Sevim Gülsüm Leyla Dilek Büşra Aysel Songül Kübra Halime Esma Sevgi Gamze Tuğba Ebru Sibel Derya
Gül Seda Aynur Sümeyye Tülay Rukiye Nurcan Filiz Pınar Selma Nuray Rabia Aslı Betül Ceren Çiğdem Damla Ebrar Gizem
Gülay İlknur Kader Melek Nesrin Nur Özge Şeyma Şule Tuba Yeliz Zübeyde
""")
SURNAMES_COMMON = words("""
Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan
Şimşek Polat Korkmaz Çakır Erdoğan Acar Güneş Aktaş Can Şen Yavuz Güler Bulut Keskin Ünal Turan Gül Özer Işık Kaplan
Avcı Sarı Tekin Taş Köse Yüksel Ateş Aksoy Karaca Uçar Tunç Coşkun Bozkurt Çiftçi Deniz Duman Ekinci Gündoğdu Karataş
Toprak
""")
STEMS = "Ak Kara Öz Er Gül Demir Yıl Gök Bay Kök Taş Koca Sarı Tez Uz Alp Ay Can Dağ Ey Gün Kaya Kur Şen Tan"
ENDINGS = "taş kaya türk soy doğan demir tekin bulut pınar çelik yurt han er ay gün oğlu maz kan bay su kol lar men bağ"


def given_names() -> NamePool:
    """Return given names with their Turkish letters."""
    return pool((0.72, GIVEN_COMMON, 0.7), (0.28, single_words(FakerTurkish.first_names_female), 0.3))


def surnames() -> NamePool:
    """Return surnames with their Turkish letters."""
    return pool(
        (0.5, SURNAMES_COMMON, 0.7),
        (0.15, single_words(FakerTurkish.last_names), 0.3),
        (0.35, compounds(STEMS, ENDINGS), 0.3),
    )
