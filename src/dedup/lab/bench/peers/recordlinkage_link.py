"""Links a clear Parquet table with the recordlinkage toolkit, as its user would; runs in the toolkit's own environment.

Arguments: the model's name, the table, where the pairs go, where the groups at 0.5 go. Blocks on one key per index,
compares strings with a threshold, and classifies with expectation-maximisation (ECM), which is the toolkit's own.
"""

import json
import sys
import time

import pandas as pd
import pyarrow.parquet as pq
import recordlinkage
from recordlinkage import ECMClassifier
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

ID = "registratie_id"
THRESHOLD = 0.5
LEAST = 0.01
# Starting the toolkit's second process takes longer than comparing fewer pairs.
WORTH_A_WORKER = 500_000
BLOCKS = {
    "kraamzorg": [
        ["birth_date", "main_first_code"],
        ["birth_date", "surname_code"],
        ["pc6", "house_number"],
        ["phone"],
        ["insurance"],
        ["surname_code", "main_first_code", "pc4"],
    ],
    "febrl": [
        ["soc_sec_id"],
        ["born"],
        ["surname", "suburb_code"],
        ["street_code", "suburb_code"],
        ["given_name", "postcode"],
    ],
}
# Compared as strings from a similarity on, or exactly where there is none.
COMPARED = {
    "kraamzorg": {
        "main_first_name": ("jarowinkler", 0.88),
        "surname": ("jarowinkler", 0.88),
        "birth_date": ("damerau_levenshtein", 0.85),
        "pc6": None,
        "house_number": None,
        "phone": None,
        "email": None,
        "insurance": None,
    },
    "febrl": {
        "given_name": ("jarowinkler", 0.85),
        "surname": ("jarowinkler", 0.85),
        "born": ("damerau_levenshtein", 0.85),
        "soc_sec_id": ("damerau_levenshtein", 0.85),
        "street_number": None,
        "address_1": ("jarowinkler", 0.85),
        "suburb": ("jarowinkler", 0.85),
        "postcode": ("damerau_levenshtein", 0.7),
    },
}


def read(table):
    """Return the table with the first of several values where a column holds lists."""
    persons = pq.read_table(table).to_pandas().set_index(ID)
    for name, first in {"surnames": "surname", "surname_codes": "surname_code", "main_first_code": None}.items():
        if name in persons:
            persons[first or name] = persons[name].str[0]
    return persons.apply(lambda column: column.str[0] if column.map(type).eq(list).any() else column)


def main(name, table, pairs_path, groups_path):
    """Run the whole linkage and print the seconds of every stage."""
    seconds, clock = {}, time.perf_counter()

    def done(stage):
        nonlocal clock
        seconds[stage] = round(time.perf_counter() - clock, 3)
        clock = time.perf_counter()

    persons = read(table)
    done("read")
    candidates = None
    for columns in BLOCKS[name]:
        filled = persons.dropna(subset=columns)
        found = recordlinkage.index.Block(columns).index(filled) if len(filled) else None
        candidates = found if candidates is None else candidates.union(found) if found is not None else candidates
    done("index")
    compare = recordlinkage.Compare(n_jobs=2 if len(candidates) > WORTH_A_WORKER else 1)
    for column, how in COMPARED[name].items():
        if how is None:
            compare.exact(column, column, label=column)
        else:
            compare.string(column, column, method=how[0], threshold=how[1], label=column)
    features = compare.compute(candidates, persons)
    done("compare")
    classifier = ECMClassifier()
    classifier.fit(features)
    chance = classifier.prob(features)
    done("classify")
    chance = chance[chance >= LEAST].rename("probability")
    chance.index.names = ["left", "right"]
    pairs = chance.reset_index().assign(edd_weeks_apart=pd.array([-1] * len(chance), dtype="int16"))
    position = pd.Series(range(len(persons)), index=persons.index)
    matched = pairs[pairs["probability"] >= THRESHOLD]
    left, right = position[matched["left"]].to_numpy(), position[matched["right"]].to_numpy()
    graph = coo_matrix(([1] * len(left), (left, right)), shape=(len(persons), len(persons)))
    groups = pd.DataFrame({ID: persons.index, "group": connected_components(graph, directed=False)[1].astype(str)})
    done("cluster")
    pairs.to_parquet(pairs_path, index=False)
    groups.to_parquet(groups_path, index=False)
    done("write")
    sys.stdout.write(json.dumps({"stages": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
