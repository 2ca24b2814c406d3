"""estimates/, for_models/, coarse/ and draws: what a release folder holds beside its tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from release_town import KnownTotals, Town, bytes_of

from pipelines import draws, read_release
from pipelines.errors import SpecError, VerifyError
from pipelines.release.plan import plan
from pipelines.release.read import Release
from pipelines.release.run import release
from pipelines.release.status import STATUSES

HEAD = "zone,weight,sd_weight\n"


@pytest.fixture
def made(released: Town) -> Release:
    """A release without weights, only to be read."""
    (folder,) = released.releases.iterdir()
    return read_release(folder, check=True)


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch, counted: list[KnownTotals]) -> None:
    """Let the known engine count a city, so that weights can be made of its panel."""
    few = KnownTotals.vector
    monkeypatch.setattr(
        KnownTotals,
        "vector",
        lambda self, table, day, size: few(self, table, day, size) * 40,
    )


def _weighed(town: Town, weights: str) -> Release:
    town.edit("[release]", f"[estimates]\nweights = {weights}\n\n[release]")
    return read_release(release(town.spec()), check=True)


def _write(town: Town, text: str) -> str:
    (town.folder / "weights.csv").write_text(text, encoding="utf-8")
    return '"weights.csv"'


# for_models


def test_every_file_and_column_for_models_says_that_it_is_biased(made: Release) -> None:
    files = [name for name in made.manifest["files"] if name.startswith("for_models/")]
    assert len(files) == 2 * len(made.manifest["tables"])
    assert all("_biased." in name for name in files)
    for table in made.manifest["tables"]:
        frame = made.for_models(table)
        assert frame.attrs["biased"] is True
        assert "never sum" in frame.attrs["notes"][0]
        assert "value" not in frame.columns
    told = [r for r in made.dictionary["resources"] if r["path"] in files]
    assert all("never sum" in one["title"] for one in told)
    for field in (f for one in told for f in one["schema"]["fields"]):
        if field["name"] in {"biased_value", "biased_mean"}:
            assert "never sum" in field["description"]


def test_numbers_for_models_are_whole_and_keep_the_totals_of_the_tables(made: Release) -> None:
    for table, by in {"od_flows": ["date"], "presence": ["date", "bin"]}.items():
        noisy, biased = made[table], made.for_models(table)
        assert (biased["biased_value"] >= 0).all()
        assert (biased["biased_mean"] >= 0).all()
        assert biased["biased_value"].dtype == np.int64
        ours = biased.groupby(by, observed=True)["biased_value"].sum()
        theirs = noisy.groupby(by, observed=True)["value"].sum()
        assert ours.tolist() == np.clip(np.round(theirs), 0, None).tolist()
        assert biased["biased_sd"].mean() < 1.05 * noisy["sd"].mean()
        zero = noisy["status"] == "structural_zero"
        assert (biased.loc[zero, "biased_value"] == 0).all()


# coarse


def test_coarse_rows_hold_every_cell_once_and_the_same_total(made: Release) -> None:
    for table in made.manifest["tables"]:
        rows, cells = made.coarse(table), made[table]
        assert rows["cells"].sum() == len(cells)
        assert rows["value"].sum() == pytest.approx(cells["value"].sum(), abs=1e-6)
        assert (rows["sd"] ** 2).sum() == pytest.approx((cells["sd"] ** 2).sum())
        keys = [c for c in rows.columns if c.startswith(("from_", "to_"))]
        own = [c for c in cells.columns if c in rows.columns and c not in {"status", "value"}]
        places = [c for c in own if c not in {"sd", "lo95", "hi95"}]
        assert not rows.duplicated([*keys, *places, "place"]).any()
        limit = 0.3 * rows["value"]
        ok = rows["status"] == "ok"
        assert (rows.loc[ok, "sd"] <= limit[ok] + 1e-9).all()


def test_a_coarse_row_is_the_sum_of_the_cells_that_its_keys_name(made: Release) -> None:
    rows, cells = made.coarse("presence"), made["presence"]
    parents = dict(zip(made.zones["zone"], made.zones["parent"], strict=True))
    for row in rows.iloc[:: max(1, len(rows) // 25)].itertuples():
        inside = (
            cells["date"].between(row.from_date, row.to_date)
            & (cells["bin"] >= row.from_bin)
            & (cells["bin"] <= row.to_bin)
        )
        if row.place == "zone":
            inside &= cells["zone"] == row.zone
        elif row.place == "parent":
            inside &= cells["zone"].map(parents).astype(str) == row.zone
        assert inside.sum() == row.cells
        assert cells.loc[inside, "value"].sum() == pytest.approx(row.value)


# estimates


@pytest.mark.usefixtures("crowded")
def test_public_weights_scale_by_overnight_zone_and_unknown_ones_by_the_area(town: Town) -> None:
    zones = plan(town.spec()).world.zones.ids
    rows = "".join(f"{zone},{10 + i},0.5\n" for i, zone in enumerate(zones))
    held = _weighed(town, _write(town, f"{HEAD}{rows}*,12,1\n"))
    panel, found = held["panel"], held.estimates("panel")
    at = {zone: 10.0 + i for i, zone in enumerate(zones)} | {"unknown": 12.0}
    weight = panel["overnight"].astype(str).map(at)
    assert found["weight"].tolist() == weight.tolist()
    assert found["pop_value"].to_numpy() == pytest.approx((weight * panel["value"]).to_numpy())
    assert found["sd_noise"].to_numpy() == pytest.approx((weight * panel["sd"]).to_numpy())
    clean = panel["value"].clip(lower=0.0)
    sampling = np.sqrt(weight * (weight - 1.0) * clean)
    assert found["sd_sampling"].to_numpy() == pytest.approx(sampling.to_numpy())
    known = panel["overnight"] != "unknown"
    assert (found["weight_of"].astype(str) == np.where(known, "zone", "area")).all()
    squares = found["sd_noise"] ** 2 + found["sd_sampling"] ** 2 + found["sd_weight"] ** 2
    assert (found["sd_total"] ** 2).to_numpy() == pytest.approx(squares.to_numpy())
    assert (held.estimates("presence")["weight"] == 12.0).all()
    assert (held.estimates("presence")["weight_of"] == "area").all()
    assert (held.folder / "estimates" / "weights.csv").is_file()
    readme = (held.folder / "README.md").read_text(encoding="utf-8")
    assert "selection bias is not covered" in readme


@pytest.mark.usefixtures("crowded")
def test_trips_have_the_spread_of_what_one_person_may_add(town: Town) -> None:
    held = _weighed(town, _write(town, f"{HEAD}*,10,0\n"))
    trips, found = held["od_flows"], held.estimates("od_flows")
    clean = trips["value"].clip(lower=0.0)
    plain = np.sqrt(90.0 * clean)
    some = (trips["status"] != "structural_zero") & (clean > 0)
    ratio = (found["sd_sampling"] / plain)[some]
    assert ratio.to_numpy() == pytest.approx(2.0**0.5)  # cap 4: one person adds up to sqrt(4)
    zero = trips["status"] == "structural_zero"
    assert (found.loc[zero, ["pop_value", "sd_total", "lo95", "hi95"]] == 0.0).all(axis=None)


@pytest.mark.usefixtures("crowded")
def test_panel_weights_give_each_zone_its_declared_population(town: Town) -> None:
    held = _weighed(town, '"panel"')
    found, zones = held.estimates("panel"), held.zones.set_index("zone")["population"]
    own = found[found["weight_of"] == "zone"]
    assert len(own)
    sums = own.groupby(["date", own["overnight"].astype(str)])["pop_value"].sum()
    weights = own.groupby(["date", own["overnight"].astype(str)])["weight"].first()
    for (date, zone), total in sums.items():
        if weights[date, zone] > 1.0:  # a weight below 1 is 1
            assert total == pytest.approx(zones[zone])
    unknown = found[found["overnight"] == "unknown"]
    assert (unknown["status"] == "not_released").all()
    assert unknown["pop_value"].isna().all()
    squares = found["sd_noise"] ** 2 + found["sd_sampling"] ** 2 + found["sd_weight"] ** 2
    rows = (found["weight_of"] == "zone") & (found["pop_value"] > 0)
    less = found["sd_total"] ** 2 < squares
    assert less[rows].all(), "the noise that count and weight share must come off"


@pytest.mark.usefixtures("counted")
def test_a_panel_that_is_all_noise_gives_estimates_that_are_not_released(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        KnownTotals, "vector", lambda _self, _table, _day, size: np.zeros(size, dtype=np.int64)
    )
    held = _weighed(town, '"panel"')
    found = held.estimates("presence")
    assert (found["status"] == "not_released").all()
    assert found["pop_value"].isna().all()


@pytest.mark.usefixtures("crowded")
def test_the_mix_of_overnight_zones_weighs_tables_without_one(town: Town) -> None:
    town.edit("[release]", '[[tables]]\ntable = "presence_by_overnight"\nshare = 40\n\n[release]')
    zones = plan(town.spec()).world.zones.ids
    rows = "".join(f"{zone},{10 + 10 * i},0\n" for i, zone in enumerate(zones))
    held = _weighed(town, _write(town, HEAD + rows))
    found, mix = held.estimates("presence"), held["presence_by_overnight"]
    assert "mix" in set(found["weight_of"].astype(str))
    at = {zone: 10.0 + 10 * i for i, zone in enumerate(zones)}
    picked = found[found["weight_of"] == "mix"].iloc[-1]
    known = mix["overnight"] != "unknown"
    here = mix[
        known
        & (mix["date"] == picked["date"])
        & (mix["bin"] == picked["bin"])
        & (mix["zone"].astype(str) == picked["zone"])
    ]
    weights = here["overnight"].astype(str).map(at).astype(float)
    due = (weights * here["value"]).sum() / here["value"].sum()
    assert picked["weight"] == pytest.approx(due)
    assert picked["sd_weight"] > 0.0


def test_what_estimates_lack_is_said_when_the_plan_is_made(town: Town) -> None:
    _write(town, f"{HEAD}nowhere,10,1\n")
    spec = town.edit("[release]", '[estimates]\nweights = "weights.csv"\n\n[release]')
    with pytest.raises(SpecError, match='"nowhere" is no zone'):
        plan(spec)
    _write(town, f"{HEAD}*,0.2,1\n")
    with pytest.raises(SpecError, match="line 2: weight must be a number of 1 or more"):
        town.spec()
    with pytest.raises(SpecError, match="estimates"):
        town.edit('"weights.csv"', '"wieghts.csv"')


@pytest.mark.usefixtures("counted")
def test_other_weights_are_another_folder_of_the_same_measurements(town: Town) -> None:
    first = _weighed(town, _write(town, f"{HEAD}*,10,1\n"))
    spent = town.spent()
    _write(town, f"{HEAD}*,11,1\n")
    second = read_release(release(town.spec()))
    assert second.id != first.id
    assert town.spent() == spent
    assert (first["presence"]["value"] == second["presence"]["value"]).all()


def test_without_weights_there_are_no_estimates(made: Release) -> None:
    with pytest.raises(VerifyError, match=r"estimates/panel\.parquet: missing"):
        made.estimates("panel")


@pytest.mark.usefixtures("counted")
def test_layers_can_be_left_out(town: Town) -> None:
    spec = town.edit("[release]", "[layers]\nfor_models = false\ncoarse = false\n\n[release]")
    folder = release(spec)
    assert not (folder / "for_models").exists()
    assert not (folder / "coarse").exists()
    assert "More than the tables" not in (folder / "README.md").read_text(encoding="utf-8")


# draws


def test_draws_repeat_by_their_seed_and_differ_between_draws(made: Release) -> None:
    one, two = list(draws(made, 2, seed=5))
    again = next(draws(made.folder, 1, seed=5, tables=["presence"]))
    pd.testing.assert_frame_equal(one["presence"], again["presence"])
    assert (one["presence"]["value"] != two["presence"]["value"]).any()
    assert (one["presence"]["value"] != next(draws(made, 1, seed=6))["presence"]["value"]).any()
    assert set(one) == set(made.manifest["tables"])
    assert one["presence"].attrs["biased"] is True
    assert set(one["presence"]["status"].cat.categories) == set(STATUSES)


def test_draws_spread_as_their_posterior_and_respect_what_is_known(made: Release) -> None:
    many = [one["od_flows"]["value"].to_numpy() for one in draws(made, 300, tables=["od_flows"])]
    drawn, known = np.stack(many), made.for_models("od_flows")
    assert (drawn >= 0.0).all()
    zero = (known["status"] == "structural_zero").to_numpy()
    assert (drawn[:, zero] == 0.0).all()
    clear = (known["biased_mean"] > 4 * known["biased_sd"]).to_numpy() & ~zero
    far = (known["biased_mean"] < known["biased_sd"]).to_numpy() & ~zero
    apart = drawn[:, far].mean(axis=0) - known["biased_mean"][far]
    assert (apart.abs() < 1.0 + 5 * known["biased_sd"][far] / 300**0.5).all()
    empty = (drawn == 0.0).mean(axis=0)
    assert np.abs(empty - known["biased_zero"])[far].max() < 0.15
    if clear.any():
        sd = known["biased_sd"].to_numpy()[clear]
        assert drawn[:, clear].std(axis=0) == pytest.approx(sd, rel=0.25)


@pytest.mark.usefixtures("crowded")
def test_draws_of_the_population_share_the_error_of_the_weights(town: Town) -> None:
    held = _weighed(town, _write(town, f"{HEAD}*,10,2\n"))
    many = list(draws(held, 200, of="population", seed=1))
    panel = list(draws(held, 200, of="panel", seed=1))
    ratio = {
        table: np.array(
            [
                full[table]["value"].sum() / seen[table]["value"].sum()
                for full, seen in zip(many, panel, strict=True)
            ]
        )
        for table in ("panel", "presence")
    }
    assert ratio["presence"].mean() == pytest.approx(10.0, abs=0.6)
    assert ratio["presence"].std() == pytest.approx(2.0, rel=0.2)
    assert np.corrcoef(ratio["panel"], ratio["presence"])[0, 1] > 0.95


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"n": 0}, "n must be 1 or more"),
        ({"n": 1, "seed": -1}, "seed 0 or more"),
        ({"n": 1, "of": "city"}, '"panel" or "population"'),
        ({"n": 1, "of": "population"}, r"has no estimates/: write \[estimates\] weights"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(
    made: Release, arguments: dict[str, int | str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        draws(made, **arguments)


@pytest.mark.usefixtures("counted")
def test_the_same_measurements_give_the_same_layers(town: Town, tmp_path: Path) -> None:
    folder = release(town.spec())
    first = bytes_of(folder)
    folder.rename(tmp_path / "aside")
    assert bytes_of(release(town.spec())) == first
