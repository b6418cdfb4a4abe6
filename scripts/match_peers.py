"""Splink beside Almoner on one file: the same rows, the same fields, no labels used. Prints one line of JSON.

    match_peers.py file.csv
    match_peers.py --households file.csv pairs.csv    links within households among pairs that `almoner match` wrote

Truth is `entity_id`; `household_id`, where there is one, tells links between different people of one household.
"""

import json
import sys
import time
import warnings

import pandas as pd

warnings.filterwarnings("ignore")

from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: E402
import splink.comparison_library as cl  # noqa: E402


def febrl():
    """As Splink's own documentation links this kind of file."""
    comparisons = [
        cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
        cl.NameComparison("surname").configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("date_of_birth", 1),
        cl.LevenshteinAtThresholds("street_number", 1),
        cl.LevenshteinAtThresholds("address_1", [1, 3]).configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("address_2", [1, 3]).configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("suburb", 2).configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("postcode", 1).configure(term_frequency_adjustments=True),
        cl.ExactMatch("state"),
    ]
    blocks = [
        block_on("given_name", "surname"),
        block_on("date_of_birth"),
        block_on("surname", "postcode"),
        block_on("given_name", "postcode"),
        block_on("given_name", "address_1"),
        block_on("surname", "address_1"),
        block_on("suburb", "address_1"),
        block_on("postcode", "street_number"),
        block_on("suburb", "street_number"),
    ]
    train = [block_on("date_of_birth"), block_on("given_name", "surname")]
    return comparisons, blocks, train, [block_on("given_name", "surname", "date_of_birth")]


def donors():
    """As Splink's own documentation links people with e-mail addresses and telephones."""
    comparisons = [
        cl.NameComparison("first").configure(term_frequency_adjustments=True),
        cl.NameComparison("last").configure(term_frequency_adjustments=True),
        cl.EmailComparison("email").configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("phone", [1, 2]).configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("address", [2, 4]).configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("city", 1).configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("postcode", 1).configure(term_frequency_adjustments=True),
        cl.ExactMatch("organisation").configure(term_frequency_adjustments=True),
        cl.ExactMatch("title"),
    ]
    blocks = [
        block_on("email"),
        block_on("phone"),
        block_on("first", "last"),
        block_on("postcode", "substr(first, 1, 1)"),
        block_on("last", "postcode"),
        block_on("address"),
        block_on("last", "substr(first, 1, 1)"),
    ]
    train = [block_on("email"), block_on("first", "last"), block_on("postcode", "last")]
    return comparisons, blocks, train, [block_on("email", "last"), block_on("first", "last", "postcode")]


def read(path):
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    fields = [name for name in rows.columns if name not in ("soc_sec_id",)]
    rows = rows[fields].apply(lambda column: column.str.strip())
    if "email" in rows:
        # What anybody would clean before linking, Splink's documentation first.
        for name in ("first", "last", "email", "address", "city", "organisation", "title"):
            rows[name] = rows[name].str.lower()
        rows["postcode"] = rows["postcode"].str.upper().str.replace(" ", "")
        digits = rows["phone"].str.replace(r"\D", "", regex=True)
        rows["phone"] = digits.str.replace(r"^(0044|44)", "0", regex=True)
    rows = rows.rename(columns={"rec_id": "unique_id", "donor_id": "unique_id"})
    return rows.replace("", None)


def link(rows):
    comparisons, blocks, train, certain = donors() if "email" in rows else febrl()
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=blocks,
        retain_intermediate_calculation_columns=False,
        max_iterations=25,
    )
    linker = Linker(DuckDBAPI().register(rows), settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for rule in train:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    return linker.inference.predict(threshold_match_weight=-10).as_pandas_dataframe()


def judge(rows, pairs):
    entity = dict(zip(rows["unique_id"], rows["entity_id"]))
    groups = rows.groupby("entity_id").size()
    true_pairs = int((groups * (groups - 1) // 2).sum())
    pairs = pairs.sort_values("match_probability", ascending=False)
    same = (pairs["unique_id_l"].map(entity) == pairs["unique_id_r"].map(entity)).to_numpy()
    score = pairs["match_weight"].to_numpy()
    sure = pairs["match_probability"].to_numpy() >= 0.9
    hits = same.cumsum()
    best = p99 = p999 = 0.0
    for at in range(len(same)):
        if at + 1 < len(same) and score[at + 1] == score[at]:
            continue
        precision, recall = hits[at] / (at + 1), hits[at] / true_pairs
        if hits[at]:
            best = max(best, 2 * precision * recall / (precision + recall))
        p99 = max(p99, recall if precision >= 0.99 else 0.0)
        p999 = max(p999, recall if precision >= 0.999 else 0.0)
    linked, right = int(sure.sum()), int((sure & same).sum())
    precision, recall = right / max(linked, 1), right / true_pairs
    out = {
        "rows": len(rows),
        "true_pairs": true_pairs,
        "pairs_compared": len(pairs),
        "best_f1": round(best, 4),
        "f1_at_threshold": round(2 * precision * recall / max(precision + recall, 1e-9), 4),
        "precision_at_threshold": round(precision, 4),
        "recall_at_threshold": round(recall, 4),
        "recall_at_p99": round(p99, 4),
        "recall_at_p999": round(p999, 4),
    }
    if "household_id" in rows:
        home = dict(zip(rows["unique_id"], rows["household_id"]))
        together = (pairs["unique_id_l"].map(home) == pairs["unique_id_r"].map(home)).to_numpy()
        out["household_links_at_0.9"] = int((sure & together & ~same).sum())
    return out


def households(path, links):
    """How many of our links from 0.9 on join different people of one household."""
    rows = read(path)
    if "household_id" not in rows:
        return
    entity = dict(zip(rows["unique_id"], rows["entity_id"]))
    home = dict(zip(rows["unique_id"], rows["household_id"]))
    pairs = pd.read_csv(links, dtype={"left": str, "right": str})
    pairs = pairs[pairs["probability"] >= 0.9]
    same = (pairs["left"].map(entity) == pairs["right"].map(entity)).to_numpy()
    together = (pairs["left"].map(home) == pairs["right"].map(home)).to_numpy()
    groups = rows.groupby("entity_id").size()
    true_pairs = int((groups * (groups - 1) // 2).sum())
    print(
        "        from probability 0.9:",
        json.dumps(
            {
                "household_links_at_0.9": int((together & ~same).sum()),
                "precision": round(float(same.mean()), 4),
                "recall": round(float(same.sum()) / true_pairs, 4),
            }
        ),
    )


def main():
    if sys.argv[1] == "--households":
        households(sys.argv[2], sys.argv[3])
        return
    rows = read(sys.argv[1])
    started = time.perf_counter()
    pairs = link(rows)
    seconds = time.perf_counter() - started
    print(json.dumps(judge(rows, pairs) | {"seconds": round(seconds, 2)}))


main()
