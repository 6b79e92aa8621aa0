"""What cities reach: closed forms, and isochrones that hold the cities that the matrix says they hold."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import megalopolis as mp
from megalopolis.errors import BadInput
from megalopolis.parameters import Parameters
from megalopolis.travel.accessibility import day_trip_minutes, market_access, people_within
from megalopolis.travel.assemble import assemble
from megalopolis.travel.door import solve
from megalopolis.travel.isochrones import road_km, station_minutes
from megalopolis.travel.road import RoadSpeeds, road_minutes

SPEEDS = RoadSpeeds(detour=1.3, band_km=(10.0, 60.0), band_kmh=(30.0, 60.0, 95.0), terminal_min=15.0)


def test_market_access_by_hand():
    minutes = np.array([[30.0, 120.0, np.inf], [120.0, 60.0, 240.0], [np.inf, 240.0, 60.0]])
    # At an elasticity of 2 a market counts four times at half an hour, a quarter at two hours, a sixteenth at four.
    found = market_access(minutes, np.array([8.0, 16.0, np.nan]), 2.0)
    np.testing.assert_allclose(found, [8 * 4 + 16 / 4, 8 / 4 + 16, 16 / 16])


def test_a_day_trip_by_hand():
    assert day_trip_minutes(operating_hours=17, stay_hours=6) == 330  # 11 hours on the way
    assert day_trip_minutes(operating_hours=5, stay_hours=6) == 0
    assert people_within(np.array([[10.0, 330.0, 331.0]]), np.array([1.0, 2.0, 4.0]), 330.0) == 3


@given(st.floats(0, 3000))
def test_road_km_is_the_inverse_of_road_minutes(km):
    assert road_km(road_minutes(np.array([km]), SPEEDS) - 15.0, SPEEDS)[0] == pytest.approx(km, abs=1e-6)


@pytest.mark.parametrize("name", ["toy", "northeast_us"])
def test_station_minutes_and_egress_are_the_minutes_by_rail(name, toy):
    region = toy if name == "toy" else mp.load_region(name)
    own = Parameters.of(region.meta.parameters, {}).of_pillar("travel")
    state = mp.at(region, None, region.meta.now)
    network = assemble(state, own)
    trips = solve(network.rail, network.road, network.access, network.main, network.boarding_min)
    for city in range(0, len(network.layout.ids), 9):
        reached = station_minutes(network, city)
        by_rail = np.full(len(network.layout.ids), np.inf)
        np.minimum.at(by_rail, network.access.city, reached[network.access.station] + network.access.minutes)
        others = np.arange(by_rail.size) != city
        # Two near cities may share a station: no ride leads from one to the other and back is never the fastest way.
        rail = np.where(trips.rail[city] < trips.road[city], trips.rail[city], np.inf)
        known = others & np.isfinite(rail)
        np.testing.assert_allclose(by_rail[known], rail[known], rtol=0, atol=1e-6)


def test_isochrones_hold_the_cities_within_their_minutes():
    e = mp.evaluate(mp.load_region("northeast_us"), only={"travel"}, draws=0)
    land = mp.isochrones(e, "Philadelphia", [60, 240, 120])
    assert land["minutes"].tolist() == [60, 120, 240]
    assert land.crs.to_epsg() == 4326
    cities = e.region.cities
    points = gpd.GeoSeries(gpd.points_from_xy(cities["lon"], cities["lat"]), crs=4326)
    row = e.travel_times.loc[land["city"].iloc[0]].reindex(cities["id"]).to_numpy()
    for minutes, count, people, shape in land[["minutes", "cities", "people", "geometry"]].itertuples(index=False):
        assert points[row <= minutes].intersects(shape.buffer(1e-6)).all()
        assert count == (row <= minutes).sum()
        assert people == cities.loc[row <= minutes, "population"].sum()
    assert land["area_km2"].is_monotonic_increasing
    assert land.geometry.iloc[1].contains(land.geometry.iloc[0])


def test_by_road_alone_an_isochrone_is_a_circle(toy):
    """45 minutes beside parking: 20 on 10 km of streets, 25 on 25 km of regional roads; 35 road km are 26.9 km."""
    bare = toy.replace({name: toy.frame(name)[:0] for name in ("rail_lines", "rail_stops")})
    e = mp.evaluate(bare, only={"travel"}, draws=0, settings={"travel.road_detour": 1.3})
    assert mp.isochrones(e, "Ann", [60])["area_km2"].iloc[0] == pytest.approx(np.pi * (35 / 1.3) ** 2, rel=0.01)


@pytest.mark.parametrize(("minutes", "said"), [([], "nothing"), ([0], "0.0"), ([np.nan], "nan"), ([2000], "2000")])
def test_isochrones_of_no_minutes_are_refused(toy, minutes, said):
    with pytest.raises(BadInput, match=said):
        mp.isochrones(mp.evaluate(toy, only={"travel"}, draws=0), "Ann", minutes)
