#!/usr/bin/env python3
"""Makes the map that is embedded in the binary: world.json and newyork.json beside this file.

The output is committed, so neither a build nor a page needs the network. Run this again only to change the map:

    pip install shapely pyproj pyshp && pip download geopandas==0.14.4 --no-deps
    python3 basemap/generate.py geopandas-0.14.4-py3-none-any.whl      # from web/, after `npm ci`

Sources (all free to redistribute, see LICENCES.md): Natural Earth by way of the npm package world-atlas and the
geopandas wheel; US Census cartographic boundaries by way of the npm package us-atlas; the borough boundaries of the
City of New York (NYC Open Data) in the geopandas wheel. Manhattan's streets are *computed* from the plan of 1811, not
surveyed: bearing 29°, 80.0 m from street to street up to 59th and 81.1 m above, avenues 1,020, 900, 750 and 710 ft apart.
"""
import io
import json
import math
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy
import pyproj
import shapefile
import shapely
from shapely import affinity
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon, box, mapping, shape
from shapely.ops import linemerge, unary_union

HERE = Path(__file__).parent
MODULES = HERE.parent / "node_modules"


# ---------------------------------------------------------------- reading

def transform(function, geometry):
    """The geometry with every point passed through function(x, y)."""
    return shapely.transform(geometry, lambda points: numpy.column_stack(function(points[:, 0], points[:, 1])))


def topology(path, name, keep=lambda p, i: True):
    """The geometries of one object of a TopoJSON file, as (properties, id, shapely geometry)."""
    topo = json.loads(path.read_text())
    (sx, sy), (tx, ty) = topo["transform"]["scale"], topo["transform"]["translate"]
    arcs = []
    for arc in topo["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((x * sx + tx, y * sy + ty))
        arcs.append(line)

    def ring(indexes):
        out = []
        for i in indexes:
            line = arcs[i] if i >= 0 else arcs[~i][::-1]
            out += line if not out else line[1:]
        return out

    for g in topo["objects"][name]["geometries"]:
        if g["type"] not in ("Polygon", "MultiPolygon") or not keep(g.get("properties", {}), g.get("id")):
            continue
        parts = [g["arcs"]] if g["type"] == "Polygon" else g["arcs"]
        polys = [Polygon(flat(ring(p[0])), [flat(ring(h)) for h in p[1:]]) for p in parts if p and len(ring(p[0])) > 3]
        yield g.get("properties", {}), g.get("id"), folded(unary_union([p.buffer(0) for p in polys]))


def flat(points):
    """A ring that crosses the date line, laid out without the jump; one around a pole, closed over the pole."""
    out, shift = [points[0]], 0
    for (x0, _), (x, y) in zip(points, points[1:]):
        shift += 360 if x - x0 < -180 else -360 if x - x0 > 180 else 0
        out.append((x + shift, y))
    if shift != 0:
        pole = -90 if out[0][1] < 0 else 90
        out += [(out[-1][0], pole), (out[0][0], pole)]
    return out


def folded(geometry):
    """What lies beyond the date line, brought back to the other side of the map."""
    if geometry.bounds[0] >= -180 and geometry.bounds[2] <= 180:
        return geometry
    world = box(-180, -90, 180, 90)
    return unary_union([affinity.translate(geometry, dx).intersection(world) for dx in (-360, 0, 360)])


def shapes(archive):
    """The records of a zipped shapefile, as (record, shapely geometry), in longitude and latitude."""
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(io.BytesIO(archive)).extractall(folder)
        stem = next(Path(folder).rglob("*.shp"))
        project = pyproj.Transformer.from_crs(2263, 4326, always_xy=True).transform
        with shapefile.Reader(str(stem)) as reader:
            for item in reader.shapeRecords():
                yield item.record.as_dict(), transform(project, shape(item.shape.__geo_interface__))


def cities(wheel):
    """The places of Natural Earth that the geopandas wheel brings: (name, lon, lat)."""
    with tempfile.TemporaryDirectory() as folder:
        for name in wheel.namelist():
            if "naturalearth_cities" in name:
                wheel.extract(name, folder)
        with shapefile.Reader(str(next(Path(folder).rglob("*cities.shp"))), encoding="latin-1") as reader:
            for item in reader.shapeRecords():
                yield item.record["name"], *item.shape.points[0]


# ---------------------------------------------------------------- writing

def rounded(value, digits):
    if isinstance(value, (list, tuple)):
        return [rounded(v, digits) for v in value]
    value = round(value, digits)
    return int(value) if value == int(value) else value


def feature(kind, geometry, digits, **properties):
    data = mapping(geometry)
    return {
        "type": "Feature",
        "properties": {"k": kind, **properties},
        "geometry": {"type": data["type"], "coordinates": rounded(data["coordinates"], digits)},
    }


def polygons(geometry, least=0.0):
    """Only the polygons of a geometry, and of those only the ones of at least this area."""
    parts = getattr(geometry, "geoms", [geometry])
    return MultiPolygon([p for p in parts if isinstance(p, Polygon) and p.area >= least])


def lines(geometry, least=0.0):
    parts = getattr(geometry, "geoms", [geometry])
    return [p for p in parts if isinstance(p, LineString) and p.length >= least]


def write(name, features):
    text = json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"), ensure_ascii=False)
    (HERE / name).write_text(text + "\n")
    print(name, len(features), "features", len(text) // 1024, "KiB")


# ---------------------------------------------------------------- the plan of 1811

BEARING = math.radians(29)
ORIGIN_LAT, ORIGIN_LON = 40.7360, -73.9939  # 5th Avenue and 14th Street
M_LAT = 111_195.0
M_LON = M_LAT * math.cos(math.radians(40.77))
FT = 0.3048


def at(u, v):
    """A point u metres up the avenues and v metres west of 5th Avenue, as (lon, lat)."""
    north = u * math.cos(BEARING) + v * math.sin(BEARING)
    east = u * math.sin(BEARING) - v * math.cos(BEARING)
    return (ORIGIN_LON + east / M_LON, ORIGIN_LAT + north / M_LAT)


def up(street):
    """How far up the avenues a street is, in metres from 14th Street."""
    return (street - 14) * 80.0 if street <= 59 else 45 * 80.0 + (street - 59) * 81.1


W = {"5": 0.0}
W["6"] = 1020 * FT
for before, name in (("6", "7"), ("7", "8"), ("8", "9"), ("9", "10"), ("10", "11"), ("11", "12")):
    W[name] = W[before] + 900 * FT
W["madison"], W["park"] = -510 * FT, -1020 * FT
W["lex"], W["3"] = -1530 * FT, -2040 * FT
W["2"] = W["3"] - 710 * FT
W["1"] = W["2"] - 750 * FT
W["A"] = W["1"] - 750 * FT
W["B"], W["C"], W["D"] = W["A"] - 660 * FT, W["A"] - 1320 * FT, W["A"] - 1980 * FT

AVENUES = [  # name, offset, from street, to street
    ("12th Ave", "12", 23, 57), ("11th Ave", "11", 14, 59), ("West End Ave", "11", 59, 107),
    ("10th Ave", "10", 14, 59), ("Amsterdam Ave", "10", 59, 190), ("9th Ave", "9", 14, 59), ("Columbus Ave", "9", 59, 110),
    ("Morningside Ave", "9", 114, 127), ("8th Ave", "8", 14, 59), ("Central Park W", "8", 59, 110),
    ("Frederick Douglass Blvd", "8", 110, 155), ("7th Ave", "7", 11, 59), ("Adam C Powell Blvd", "7", 110, 155),
    ("6th Ave", "6", 3, 59), ("Lenox Ave", "6", 110, 147), ("5th Ave", "5", 8, 142), ("Madison Ave", "madison", 23, 138),
    ("Park Ave", "park", 17, 132), ("Lexington Ave", "lex", 21, 131), ("3rd Ave", "3", 9, 128), ("2nd Ave", "2", 0, 128),
    ("1st Ave", "1", 0, 127), ("York Ave", "A", 59, 92), ("Ave A", "A", 0, 14), ("Ave B", "B", 0, 14), ("Ave C", "C", 0, 18), ("Ave D", "D", 0, 12),
]
MAIN = {14, 23, 34, 42, 57, 59, 72, 79, 86, 96, 110, 116, 125, 135, 145, 155}

BROADWAY = [
    (40.7047, -74.0137), (40.7079, -74.0116), (40.7107, -74.0090), (40.7143, -74.0060), (40.7192, -74.0019), (40.7254, -73.9967),
    (40.7305, -73.9923), (40.7319, -73.9913), (40.7350, -73.9907), (40.7370, -73.9901), "5/23", "6/34", "7/45", "8/59",
    (40.7723, -73.9822), (40.7785, -73.9819), (40.7838, -73.9799), (40.7886, -73.9762), (40.7939, -73.9723), (40.7985, -73.9690),
    (40.8040, -73.9665), (40.8078, -73.9638), (40.8157, -73.9583), (40.8220, -73.9537), (40.8267, -73.9503), (40.8340, -73.9449),
    (40.8407, -73.9394), (40.8497, -73.9336), (40.8655, -73.9271), (40.8680, -73.9200), (40.8740, -73.9102),
]
DOWNTOWN = [
    ("Houston St", [(40.7289, -74.0105), (40.7254, -73.9967), (40.7232, -73.9883), (40.7192, -73.9757)]),
    ("Canal St", [(40.7257, -74.0107), (40.7192, -74.0019), (40.7161, -73.9960), (40.7145, -73.9905)]),
    ("Delancey St", [(40.7203, -73.9938), (40.7152, -73.9812)]),
    ("Chambers St", [(40.7170, -74.0127), (40.7143, -74.0060)]),
    ("Bowery", [(40.7287, -73.9905), (40.7244, -73.9925), (40.7161, -73.9960), (40.7134, -73.9982)]),
    ("Fulton St", [(40.7107, -74.0090), (40.7064, -74.0034)]),
    ("Wall St", [(40.7079, -74.0116), (40.7048, -74.0061)]),
]
BRIDGES = [
    ("Brooklyn Bridge", [(40.7118, -74.0038), (40.6998, -73.9903)]), ("Manhattan Bridge", [(40.7157, -73.9946), (40.6989, -73.9862)]),
    ("Williamsburg Bridge", [(40.7164, -73.9823), (40.7103, -73.9614)]), ("Queensboro Bridge", [(40.7607, -73.9640), (40.7508, -73.9420)]),
    ("George Washington Bridge", [(40.8495, -73.9400), (40.8540, -73.9645)]), ("Verrazzano-Narrows Bridge", [(40.6013, -74.0560), (40.6117, -74.0330)]),
]


def rectangle(u0, u1, v0, v1, soft=12):
    """A piece of the plan, corners softened by some metres."""
    return Polygon([at(u0, v0), at(u1, v0), at(u1, v1), at(u0, v1)]).buffer(-soft / M_LAT).buffer(soft / M_LAT, 3)


def oval(lat, lon, long_m, wide_m, turn=-29):
    """An oval lying along the avenues (turn in degrees, anticlockwise from north)."""
    flat = affinity.scale(Point(0, 0).buffer(1, 8), wide_m / 2, long_m / 2)
    flat = affinity.rotate(flat, turn, origin=(0, 0))
    return transform(lambda x, y: (lon + x / M_LON, lat + y / M_LAT), flat)


def manhattan(borough):
    """The computed streets and parks, clipped to the borough."""
    metre = 1 / M_LAT
    inside = borough.buffer(-25 * metre)
    central = rectangle(up(59) + 12, up(110) - 12, W["5"] + 14, W["8"] - 14)
    shore = borough.exterior.buffer(150 * metre) if isinstance(borough, Polygon) else unary_union([p.exterior for p in borough.geoms]).buffer(150 * metre)
    riverside = polygons(shore.intersection(borough).intersection(
        Polygon([at(up(72), W["11"]), at(up(129), W["11"]), at(up(129), 4000), at(up(72), 4000)])), 2e-6)
    small = [
        ("Bryant Park", rectangle(up(40) + 12, up(42) - 12, 150, W["6"] - 15)),
        ("Madison Square", rectangle(up(23) + 12, up(26) - 12, W["madison"] + 14, -15)),
        ("Union Square", rectangle(up(14) + 14, up(17) - 14, -330, -215)),
        ("Tompkins Square", rectangle(up(7) + 12, up(10) - 12, W["B"] + 12, W["A"] - 12)),
        ("Stuyvesant Square", rectangle(up(15) + 10, up(17) - 10, -970, -800)),
        ("Washington Square", oval(40.7308, -73.9973, 1, 1).centroid.buffer(0)),
        ("Morningside Park", rectangle(up(110) + 12, up(123) - 12, W["9"] + 20, W["9"] + 165)),
        ("Marcus Garvey Park", rectangle(up(120) + 10, up(124) - 10, -120, 120)),
    ]
    wash = affinity.rotate(box(-150, -75, 150, 75), -29, origin=(0, 0))
    small[5] = ("Washington Square", transform(lambda x, y: (-73.9973 + x / M_LON, 40.7308 + y / M_LAT), wash))
    prospect = Polygon([(x, y) for y, x in [(40.6733, -73.9699), (40.6690, -73.9643), (40.6630, -73.9622), (40.6585, -73.9630), (40.6548, -73.9617),
                                           (40.6516, -73.9660), (40.6510, -73.9717), (40.6545, -73.9745), (40.6606, -73.9795), (40.6665, -73.9755)]])
    parks = [("Central Park", central), ("Riverside Park", riverside), ("Prospect Park", prospect)] + [p for p in small]
    waters = [oval(40.7857, -73.9631, 700, 560, -20), oval(40.7762, -73.9718, 150, 420, -20), oval(40.7968, -73.9518, 140, 260, -29),
              oval(40.6562, -73.9665, 260, 520, 10)]
    closed = unary_union([p.buffer(4 * metre) for name, p in parts_of(parks) if name not in ("Riverside Park", "Prospect Park")])

    def clip(line):
        return lines(line.intersection(inside).difference(closed), 120 * metre)

    out = []
    for name, key, first, last in AVENUES:
        for part in clip(LineString([at(up(first), W[key]), at(up(last), W[key])])):
            out.append(("avenue", name, part))
    for n in range(1, 156):
        east, west = (-2400, 2600)
        if n < 14:
            west = W["6"] if n >= 8 else 90  # the Village west of here does not follow the plan
        ordinal = f"{n}{'th' if 10 <= n % 100 <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')} St"
        if n > 110:
            west = min(west, 2000)
        for part in clip(LineString([at(up(n), east), at(up(n), west)])):
            out.append(("main" if n in MAIN else "street", ordinal, part))
    way = []
    for p in BROADWAY:
        if isinstance(p, str):
            avenue, street = p.split("/")
            way.append(at(up(int(street)), W[avenue]))
        else:
            way.append((p[1], p[0]))
    out += [("broadway", "Broadway", part) for part in lines(LineString(way).intersection(borough))]
    for name, points in DOWNTOWN:
        out += [("main", name, part) for part in lines(LineString([(x, y) for y, x in points]).intersection(borough))]
    return out, parks, waters


def parts_of(parks):
    return [(name, p if not p.is_empty else Point(0, 0).buffer(1e-9)) for name, p in parks]


PLACES = [  # kind, rank (the zoom it appears at), name, lat, lon
    ("borough", 9.6, "Manhattan", 40.7750, -73.9700), ("borough", 9.6, "Brooklyn", 40.6480, -73.9500), ("borough", 9.6, "Queens", 40.7200, -73.8200),
    ("borough", 9.6, "The Bronx", 40.8500, -73.8700), ("borough", 9.8, "Staten Island", 40.5800, -74.1500),
    ("town", 10, "Newark", 40.7357, -74.1724), ("town", 10.4, "Jersey City", 40.7200, -74.0650), ("town", 11.4, "Hoboken", 40.7450, -74.0330),
    ("town", 10.4, "Yonkers", 40.9312, -73.8988), ("town", 9.6, "White Plains", 41.0340, -73.7629), ("town", 9.4, "Stamford", 41.0534, -73.5387),
    ("town", 9.4, "Paterson", 40.9168, -74.1718), ("town", 10, "Elizabeth", 40.6640, -74.2107), ("town", 9.6, "Hempstead", 40.7062, -73.6187),
    ("water", 11, "Hudson River", 40.7700, -74.0080), ("water", 12, "East River", 40.7310, -73.9680), ("water", 10.4, "Upper Bay", 40.6600, -74.0450),
    ("water", 9.4, "Lower Bay", 40.5400, -74.0450), ("water", 8.6, "Long Island Sound", 41.0300, -73.3000), ("water", 10.6, "Jamaica Bay", 40.6150, -73.8350),
    ("hood", 12, "Midtown", 40.7549, -73.9790), ("hood", 12.4, "Harlem", 40.8116, -73.9465), ("hood", 12.6, "Upper West Side", 40.7870, -73.9754),
    ("hood", 12.6, "Upper East Side", 40.7736, -73.9566), ("hood", 12.8, "Chelsea", 40.7465, -74.0014), ("hood", 12.8, "East Village", 40.7265, -73.9815),
    ("hood", 12.8, "West Village", 40.7347, -74.0048), ("hood", 13, "SoHo", 40.7233, -74.0030), ("hood", 13, "Lower East Side", 40.7150, -73.9843),
    ("hood", 12.6, "Financial District", 40.7075, -74.0090), ("hood", 12.8, "Washington Heights", 40.8417, -73.9394), ("hood", 13, "East Harlem", 40.7957, -73.9389),
    ("hood", 13, "Murray Hill", 40.7479, -73.9757), ("hood", 13, "Hell's Kitchen", 40.7638, -73.9918), ("hood", 12.8, "Williamsburg", 40.7081, -73.9571),
    ("hood", 12.8, "Greenpoint", 40.7305, -73.9515), ("hood", 12.8, "Long Island City", 40.7447, -73.9485), ("hood", 12.6, "Astoria", 40.7644, -73.9235),
    ("hood", 12.8, "Park Slope", 40.6710, -73.9814), ("hood", 12.8, "DUMBO", 40.7033, -73.9881), ("hood", 12.6, "Bushwick", 40.6944, -73.9213),
    ("hood", 12.6, "Flushing", 40.7675, -73.8331), ("hood", 12.4, "Coney Island", 40.5755, -73.9707), ("hood", 12.4, "Flatbush", 40.6409, -73.9624),
    ("hood", 12.6, "Roosevelt Island", 40.7615, -73.9510), ("hood", 12.4, "Inwood", 40.8677, -73.9212),
    ("park", 12.2, "Central Park", 40.7812, -73.9665), ("park", 13, "Prospect Park", 40.6602, -73.9690), ("park", 15, "Bryant Park", 40.7536, -73.9832),
    ("park", 14.6, "Washington Sq", 40.7308, -73.9973), ("park", 14.8, "Union Sq", 40.7359, -73.9906), ("park", 15, "Madison Sq", 40.7420, -73.9876),
    ("park", 14.6, "Tompkins Sq", 40.7265, -73.9817), ("park", 13.6, "Riverside Park", 40.8010, -73.9725), ("park", 14.4, "Morningside Park", 40.8058, -73.9585),
    ("sight", 14, "Times Square", 40.7580, -73.9855), ("sight", 14, "Empire State Building", 40.7484, -73.9857), ("sight", 14, "Grand Central", 40.7527, -73.9772),
    ("sight", 14.2, "Columbus Circle", 40.7681, -73.9819), ("sight", 14, "Penn Station", 40.7506, -73.9935), ("sight", 14, "World Trade Center", 40.7126, -74.0132),
    ("sight", 12.6, "Statue of Liberty", 40.6892, -74.0445), ("sight", 14.4, "Rockefeller Center", 40.7587, -73.9787), ("sight", 14, "The Met", 40.7794, -73.9632),
    ("sight", 14, "Natural History Museum", 40.7813, -73.9740), ("sight", 14, "Columbia University", 40.8075, -73.9626), ("sight", 13.8, "Flatiron", 40.7411, -73.9897),
    ("sight", 11.4, "LaGuardia Airport", 40.7769, -73.8740), ("sight", 11, "JFK Airport", 40.6413, -73.7781), ("sight", 11, "Newark Airport", 40.6895, -74.1745),
]

SHORE_STATES = {"36", "34", "09", "42", "25", "44", "10", "24", "50"}
CITY = {"36005", "36047", "36061", "36081", "36085"}
COUNTIES = {  # the counties around the city, by FIPS code; the five of the city itself come from its own boundaries
    "36119", "36059", "36087", "36103", "36079", "36071", "34003", "34013", "34017", "34019", "34023", "34025", "34027", "34031",
    "34035", "34037", "34039", "34029", "34021", "09001", "09009", "09005",
}


# Tidal water that the county boundaries run through the middle of: (lat, lon, half the width in metres).
WATERWAYS = [
    [(40.875, -73.928, 700), (40.95, -73.899, 800), (41.00, -73.886, 1000), (41.06, -73.883, 1900), (41.12, -73.895, 2100), (41.17, -73.915, 2300),
     (41.22, -73.945, 1500), (41.26, -73.968, 700), (41.32, -73.982, 400), (41.40, -73.955, 350), (41.46, -73.99, 700), (41.51, -74.00, 900),
     (41.60, -73.95, 500), (41.75, -73.945, 450), (41.93, -73.955, 500)],
    [(40.640, -74.150, 500), (40.668, -74.140, 800), (40.695, -74.122, 750), (40.712, -74.117, 350)],
    [(40.6475, -74.075, 300), (40.6450, -74.11, 230), (40.6420, -74.145, 230), (40.6400, -74.185, 250), (40.62, -74.20, 250), (40.585, -74.21, 220),
     (40.555, -74.235, 250), (40.53, -74.25, 250), (40.505, -74.262, 400)],
]


def waterways():
    parts = []
    for way in WATERWAYS:
        for (y0, x0, r0), (y1, x1, r1) in zip(way, way[1:]):
            parts += [unary_union([Point(x0 * 0.76, y0).buffer(r0 / M_LAT, 4), Point(x1 * 0.76, y1).buffer(r1 / M_LAT, 4)]).convex_hull]
    return transform(lambda x, y: (x / 0.76, y), unary_union(parts))


def new_york(wheel):
    archive = next(n for n in wheel.namelist() if "nybb" in n and n.endswith(".zip"))
    boroughs = {r["BoroName"]: g for r, g in shapes(wheel.read(archive))}
    tolerance = {"Manhattan": 12 / M_LAT}
    city = {name: polygons(g.simplify(tolerance.get(name, 28 / M_LAT)), 8e-7) for name, g in boroughs.items()}
    county = {i: g for _, i, g in topology(MODULES / "us-atlas/counties-10m.json", "counties", lambda p, i: i in COUNTIES | CITY)}
    ring = unary_union([county[i] for i in county if i in COUNTIES])
    # the land border of the Bronx and Queens, where two surveys leave slivers of sea between them
    seam = unary_union([county["36119"], county["36059"]]).buffer(0.004).intersection(unary_union([county["36005"], county["36081"]]).buffer(0.0015))
    around = polygons(unary_union([ring, seam]).buffer(0).difference(waterways()), 2e-5)
    main = max(city["Manhattan"].geoms, key=lambda p: p.area)
    streets, parks, waters = manhattan(main)
    out = [feature("around", around, 4)]
    out += [feature("borough", g, 5 if name in tolerance else 4, name=name) for name, g in city.items()]
    out += [feature("park", polygons(p), 5, name=n) for n, p in parks if not p.is_empty]
    out += [feature("pond", p, 5) for p in waters]
    groups = {}
    for kind, name, line in streets:
        groups.setdefault((kind, name), []).append(line)
    for (kind, name), parts in groups.items():
        merged = MultiLineString(parts) if len(parts) > 1 else parts[0]
        out.append(feature(kind, merged, 5, name=name))
    out += [feature("bridge", LineString([(x, y) for y, x in points]), 5, name=name) for name, points in BRIDGES]
    middle = {name.replace("Square", "Sq"): p.centroid for name, p in parks if not p.is_empty and name != "Riverside Park"}
    out += [feature("label-" + kind, middle.get(name, Point(lon, lat)), 5, name=name, rank=rank) for kind, rank, name, lat, lon in PLACES]
    write("newyork.json", out)
    return unary_union([around, *county.values(), *city.values()])


def world(wheel, detailed):
    near = box(-80, 36.5, -66, 46)
    coarse = unary_union([g for _, _, g in topology(MODULES / "world-atlas/land-110m.json", "land")])
    fine = unary_union([g for _, _, g in topology(MODULES / "world-atlas/land-50m.json", "land")])
    states = unary_union([g for _, i, g in topology(MODULES / "us-atlas/states-10m.json", "states") if i in SHORE_STATES])
    window = box(-76.2, 38.6, -70.2, 43.0)
    shore = states.intersection(window).simplify(0.004)
    land = unary_union([coarse.difference(near), fine.intersection(near).difference(window).simplify(0.01), shore]).buffer(0)
    # Where newyork.json knows better, this land is a feature of its own, which the style hides once zoomed in.
    others = unary_union([g for _, i, g in topology(MODULES / "us-atlas/counties-10m.json", "counties", lambda p, i: i[:2] in SHORE_STATES and i not in COUNTIES | CITY)])
    known = detailed.buffer(0.06).difference(others)
    out = [
        feature("land", polygons(land.difference(near), 0.02), 2),
        feature("land", polygons(land.intersection(near).difference(known), 0.0004), 3),
        feature("land-near", polygons(land.intersection(known), 0.0004), 3),
    ]
    seen, names = [], []
    for props, _, g in topology(MODULES / "world-atlas/countries-110m.json", "countries"):
        seen.append(g)
        biggest = max(getattr(g, "geoms", [g]), key=lambda p: p.area)
        if props.get("name") and biggest.area > 4:
            spot = biggest.representative_point() if not biggest.contains(biggest.centroid) else biggest.centroid
            rank = 1 if biggest.area > 250 else 2.5 if biggest.area > 60 else 3.5 if biggest.area > 18 else 4.5
            names.append(feature("label-country", spot, 1, name=props["name"], rank=rank))
    coast = unary_union([coarse.boundary, box(-180, -90, 180, 90).boundary]).buffer(0.02)
    borders = unary_union([g.boundary for g in seen]).difference(coast)
    borders = linemerge(borders) if isinstance(borders, MultiLineString) else borders
    out.append(feature("border", MultiLineString(lines(borders.simplify(0.05), 0.5)), 2))
    inner = []
    for _, i, g in topology(MODULES / "us-atlas/states-10m.json", "states"):
        if i not in ("02", "15", "60", "66", "69", "72", "78"):
            inner.append(g)
    outline = unary_union(inner).buffer(0.03).boundary.buffer(0.06)
    between = unary_union([g.boundary for g in inner]).difference(outline)
    between = linemerge(between) if isinstance(between, MultiLineString) else between
    out.append(feature("state", MultiLineString(lines(between.simplify(0.04), 0.3)), 2))
    out += names
    for name, lon, lat in cities(wheel):
        if name not in ("Vatican City", "Manhattan"):
            rank = 3.2 if name in BIG else 4.4
            out.append(feature("label-city", Point(lon, lat), 2, name=name, rank=rank))
    write("world.json", out)


BIG = {"New York", "London", "Paris", "Tokyo", "São Paulo", "Mexico City", "Los Angeles", "Cairo", "Moscow", "Beijing", "Shanghai", "Sydney", "Mumbai",
       "Delhi", "Istanbul", "Buenos Aires", "Lagos", "Johannesburg", "Singapore", "Berlin", "Madrid", "Rome", "Seoul", "Jakarta", "Nairobi", "Toronto", "Chicago"}

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    opened = zipfile.ZipFile(sys.argv[1])
    world(opened, new_york(opened))
