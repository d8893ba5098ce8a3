"""Dutch names: the commonest by rank, Faker's lists behind them, and compounds for the long tail of surnames."""

from __future__ import annotations

from faker.providers.person.nl_NL import Provider as FakerDutch

from dedup.lab.simulate.names.pools import NamePool, compounds, listed, pool, single_words, words

GIVEN_COMMON = words("""
Laura Lisa Sanne Anne Anouk Iris Kim Linda Eline Marloes Manon Naomi Michelle Melissa Esther Denise Femke Lotte
Marieke Charlotte Kelly Daphne Inge Nicole Rianne Ilse Renske Suzanne Maaike Judith Ellen Floor Nienke Sharon
Priscilla Emma Julia Sophie Eva Anna Maria Fleur Roos Amber Britt Merel Nina Sara Sarah Jessica Stephanie Samantha
Chantal Lieke Jolien Marjolein Willemijn Annemarie Annelies Annemiek Mirjam Miranda Monique Petra Saskia Wendy Bianca
Claudia Cindy Danielle Debby Dominique Elise Elke Evelien Evelyn Fenna Froukje Geertje Hanneke Hilde Ineke Irene
Janneke Jantine Jennifer Jorien Karin Karlijn Kirsten Leonie Lianne Liesbeth Lonneke Loes Lotte Lynn Margriet Marije
Marijke Marit Marleen Mariska Mieke Minke Myrthe Nadia Natasja Noor Patricia Paula Pauline Rachel Rebecca Romy Rosalie
Ruth Sabine Sandra Simone Sietske Sytske Tamara Tessa Tineke Vera Yvonne Yvette Wieke Willeke Josephine Isabel Hester
Gwen Geraldine Frederique Desiree Diana Corine Carolien Carlijn Birgit Bregje Berber Aukje Astrid Anja Angela Andrea
""")
GIVEN_FORMAL = words("""
Johanna Maria Elisabeth Catharina Cornelia Margaretha Wilhelmina Hendrika Petronella Adriana Alida Jacoba Geertruida
Gerarda Helena Theodora Antonia Francisca Magdalena Christina Dorothea Aleida Jantje Grietje Trijntje Neeltje
Pietertje
""")
CALLED = {
    "Johanna": "Joke Jolanda Hanneke Anja Hanna Janneke",
    "Maria": "Marieke Mieke Marja Marije Ria Marijke Mirjam",
    "Elisabeth": "Lisa Els Liesbeth Elise Betty Elly Bettine",
    "Catharina": "Karin Tineke Kaatje Carina Toos Trijn Ina",
    "Cornelia": "Corrie Nelleke Cora Nelly Corine",
    "Margaretha": "Margriet Greet Marga Gretha Margreet Grietje",
    "Wilhelmina": "Willemijn Wilma Mina Willy Helma",
    "Hendrika": "Rika Riekje Hennie Henny Hetty Ria",
    "Petronella": "Petra Nel Ellen Nelleke Elly",
    "Adriana": "Adrie Jana Ariane Sjaan Jannie",
    "Alida": "Alie Lida Ali Ada",
    "Jacoba": "Coby Jacqueline Cobie Jaco Bea",
    "Geertruida": "Truus Geertje Trudy Gerda Geer",
    "Gerarda": "Gerda Gerry Gera",
    "Helena": "Leny Heleen Ellen Lenie Lena",
    "Theodora": "Thea Dora Doortje Doris",
    "Antonia": "Toos Tonny Antoinette Tonia",
    "Francisca": "Cisca Francien Franka Ciska",
    "Magdalena": "Leny Magda Madeleine Lena",
    "Christina": "Christien Stien Tineke Kristel Chris",
    "Dorothea": "Thea Dorien Dora Door",
    "Aleida": "Leida Alie Leidy",
    "Jantje": "Janneke Janny Jannie",
    "Grietje": "Greet Gretha Griet",
    "Trijntje": "Tryntsje Tineke Trijn",
    "Neeltje": "Nelleke Nel Neely",
    "Pietertje": "Petra Pietie Piety",
    "Charlotte": "Lotte Lot",
    "Annemarie": "Anne Annie",
    "Marjolein": "Marjo Mar",
    "Josephine": "Josien Fien",
    "Dominique": "Domi Nikki",
    "Frederique": "Freek Rikky",
    "Rosalie": "Roos Rosa",
    "Isabel": "Bel Isa",
    "Willemijn": "Mijn Willy",
}
SURNAMES_COMMON = listed("""
de Jong,Jansen,de Vries,van den Berg,van Dijk,Bakker,Janssen,Visser,Smit,Meijer,de Boer,Mulder,de Groot,Bos,Vos,
Peters,Hendriks,van Leeuwen,Dekker,Brouwer,de Wit,Dijkstra,Smits,de Graaf,van der Meer,van der Linden,Kok,Jacobs,
de Haan,Vermeulen,van den Heuvel,van de Ven,van der Veen,de Bruin,Schouten,van den Broek,Willems,van Vliet,
van der Heijden,Hoekstra,Maas,Verhoeven,Koster,van Dam,van der Wal,Prins,Blom,Huisman,Peeters,de Bruijn,Kuipers,
van Beek,Veenstra,Post,Kuiper,van Veen,Kramer,van den Brink,Scholten,van Wijk,Postma,Martens,Vink,de Ruiter,van Loon,
Timmermans,Groen,Jonker,Gerritsen,van der Velde,van den Bosch,van der Ploeg,van der Berg,Hermans,van Doorn,de Leeuw,
van Es,Sanders,Koning,Willemsen,Bosch,Evers,Mol,van Dongen,van der Laan,Schipper,Driessen,Molenaar,Verbeek,
van Leeuwen,de Koning,Hofman,van der Heide,Kaya,Verhagen,van Rijn,de Lange,Hendrikse,van der Steen,Boer,Zijlstra,
Bouwman,Bijl,van Dijck,Meyer,Janse,Jans,Pieters,Wouters,Schut,Kroon,Kuijpers,van Os,de Vos,Ooms,Lammers,Kamphuis,
Mertens,Ruiter,Bruinsma,van 't Hof,van 't Hoff,in 't Veld,ter Horst,te Velde,ten Brink,op den Camp,van de Wiel,
van de Kamp,van der Zee,van Eck,van Eijk,van Eyck
""")
STEMS = """
Wester Ooster Noorder Zuider Nieuwen Ouden Groene Broek Brink Heide Hoek Molen Berken Eiken Linden Water Velder Rijs
Klein Groot Lange Korte Steen Zand Veen Meer Bosch Dam Dijk Haver Rogge Tarwe Boek Elzen Wilgen Roos Vogel Valken Zwane
Hazen Vossen Beren Wolf Hane Kerk Kloos Borg Burg Hage Loo Laar Lang Kruis Spijker Schuur Olden Nij Wijnt Riet
""".strip()
ENDINGS = """
huis hof berg man stra ma veld kamp dijk laar horst meijer sma inga wijk brink waard beek dal mans ink boer
kerk oord stede water molen poel sloot stein wold zeel berge velt
""".strip()
BEFORE_COMPOUNDS = ("",) * 13 + ("van", "van de", "de", "van den", "van der", "ter", "van 't")


def given_names() -> NamePool:
    """Return given names as they stand in a passport."""
    return pool(
        (0.62, GIVEN_COMMON, 0.6), (0.16, GIVEN_FORMAL, 0.7), (0.22, single_words(FakerDutch.first_names_female), 0.4)
    )


def surnames() -> NamePool:
    """Return surnames; the commonest (`de Jong`) stands for about half a percent of the women."""
    return pool(
        (0.24, SURNAMES_COMMON, 0.5),
        (0.40, single_words(FakerDutch.last_names), 0.35),
        (0.36, compounds(STEMS, ENDINGS, before=BEFORE_COMPOUNDS), 0.3),
    )
