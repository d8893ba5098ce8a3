"""Links a clear Parquet table with Splink on DuckDB, training included; runs in Splink's own venv.

Arguments: the model's name, the table, where the pairs from probability 0.01 go, where the clusters at 0.5 go.
Prints the seconds of every stage as JSON.
"""

import json
import logging
import os
import sys
import time

import duckdb
from splink import Linker
from splink.backends.duckdb import DuckDBAPI
from splink_models import MODELS, RECALL

LEAST_PROBABILITY = 0.01
THRESHOLD = 0.5
U_PAIRS = 1e6
EM_PAIRS = 1e6
SEED = 1


def main(name, table, pairs_path, clusters_path):
    """Run the whole linkage; every stage's seconds are printed."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    seconds = {}
    clock = time.perf_counter()

    def done(stage):
        nonlocal clock
        seconds[stage] = round(time.perf_counter() - clock, 3)
        clock = time.perf_counter()

    connection = duckdb.connect()
    # Splink writes lambdas as x -> x, which DuckDB 2 takes only when told to.
    connection.execute("set lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    connection.execute(f"set threads to {len(os.sched_getaffinity(0))}")
    persons = connection.read_parquet(table)
    if name == "kraamzorg":
        persons = persons.project("*, array_to_string(surnames, ' ') as surname")
    persons.create("persons")
    counts = persons.aggregate(", ".join(f'count("{column}")' for column in persons.columns)).fetchall()[0]
    filled = {column for column, count in zip(persons.columns, counts, strict=True) if count}
    settings, certain, training = MODELS[name](filled)
    api = DuckDBAPI(connection=connection)
    linker = Linker(api.register("persons"), settings, log_level=logging.ERROR)
    done("read")
    linker.training.estimate_probability_two_random_records_match(certain, recall=RECALL[name])
    linker.training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=SEED)
    done("u")
    for rule in training:
        linker.training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=EM_PAIRS)
    done("em")
    predictions = linker.inference.predict(threshold_match_probability=LEAST_PROBABILITY)
    done("predict")
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predictions, threshold_match_probability=THRESHOLD
    )
    done("cluster")
    connection.table(predictions.physical_name).project(
        "registratie_id_l as left, registratie_id_r as right, match_probability as probability, "
        "cast(-1 as smallint) as edd_weeks_apart"
    ).write_parquet(pairs_path)
    connection.table(clusters.physical_name).project(
        'registratie_id, cast(cluster_id as varchar) as "group"'
    ).write_parquet(clusters_path)
    done("write")
    sys.stdout.write(json.dumps({"stages": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
