/* Address of points (#id=...) and of an area (#area=...), and a link to a place in a map service. */

/** Texts of the ids in the address of the page; none if it names no point. */
function idsOfAddress() {
  return new URLSearchParams(location.hash.slice(1)).getAll("id");
}

/** Number of the area that the address names; null if it names none. */
function areaOfAddress() {
  return new URLSearchParams(location.hash.slice(1)).get("area");
}

/** Put an area, if there is one, and ids into the address, without a new entry in the history. */
function writeAddress(ids, area) {
  const named = [...(area ? [["area", area]] : []), ...ids.map((id) => ["id", id])];
  const hash = named.map(([name, id]) => `${name}=${encodeURIComponent(id)}`).join("&");
  const address = location.href.split("#")[0] + (hash && `#${hash}`);
  if (address === location.href) return;
  try {
    history.replaceState(null, "", address);
  } catch {
    // Some browsers forbid this for local files; the page works without.
  }
}

/** Longitude and latitude of a point in degrees; null if the reference system of the table is not known here. */
function lonLatOf(points, i) {
  if (!facts.position || !points.hasPlace(i)) return null;
  const place = points.placeOf(i);
  if (facts.position.kind === "degrees") return place;
  return facts.position.system === "EPSG:3035" ? ofLaeaEurope(...place) : null;
}

/** Longitude and latitude of easting and northing in EPSG:3035: inverse of the Lambert azimuthal equal-area projection
    on the ellipsoid GRS80 (Snyder 1987, Map Projections, equations 24-26 to 24-28 and 3-18). */
function ofLaeaEurope(easting, northing) {
  const radians = Math.PI / 180;
  const [a, f, lon0, lat0] = [6378137, 1 / 298.257222101, 10 * radians, 52 * radians];
  const e2 = f * (2 - f);
  const e = Math.sqrt(e2);
  const q = (lat) => {
    const s = Math.sin(lat);
    return (1 - e2) * (s / (1 - e2 * s * s) + Math.atanh(e * s) / e);
  };
  const pole = q(Math.PI / 2);
  const beta0 = Math.asin(q(lat0) / pole);
  const radius = a * Math.sqrt(pole / 2);
  const d = (a * Math.cos(lat0)) / (Math.sqrt(1 - e2 * Math.sin(lat0) ** 2) * radius * Math.cos(beta0));
  const [x, y] = [(easting - 4321000) / d, (northing - 3210000) * d];
  const rho = Math.hypot(x, y);
  if (!rho) return [lon0 / radians, lat0 / radians];
  const c = 2 * Math.asin(rho / (2 * radius));
  const sine = Math.cos(c) * Math.sin(beta0) + (y * Math.sin(c) * Math.cos(beta0)) / rho;
  const beta = Math.asin(sine);
  const lon = lon0 + Math.atan2(x * Math.sin(c), rho * Math.cos(beta0) * Math.cos(c) - y * Math.sin(beta0) * Math.sin(c));
  const lat = beta + (e2 / 3 + (31 * e2 ** 2) / 180 + (517 * e2 ** 3) / 5040) * Math.sin(2 * beta)
    + ((23 * e2 ** 2) / 360 + (251 * e2 ** 3) / 3780) * Math.sin(4 * beta) + ((761 * e2 ** 3) / 45360) * Math.sin(6 * beta);
  return [lon / radians, lat / radians];
}

/** A link to the place in OpenStreetMap, which opens only when it is clicked; empty without degrees. */
function placeLink(points, i) {
  const place = lonLatOf(points, i);
  if (!place) return "";
  const [lon, lat] = place.map((value) => value.toFixed(6));
  const href = `https://www.openstreetmap.org/?mlat=${lat}&mlon=${lon}#map=18/${lat}/${lon}`;
  const title = "Opens openstreetmap.org, which gets to know this place";
  return html("a", { id: "place-link", href, title, target: "_blank", rel: "noopener noreferrer" }, "Open in OpenStreetMap");
}
