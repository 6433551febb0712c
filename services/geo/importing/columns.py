"""What the columns of an address file mean: the families of geo reference §6, recognised by name, for approval."""

from collections.abc import Mapping, Sequence

from services.geo.domain.geocoding.words import plain

_NAMES = {
    "street": (
        "adressomrade_faststalltnamn adressomrade adromrade adromrade_ adressomr gatunamn streetname gata "
        "street addr:street addr_street vagnamn"
    ),
    "farm": "gardsadressomrade_faststalltnamn gardsadressomrade",
    "address": "adress name gatuadress address belagenhetsadress adressplats_namn",
    "number": (
        "adressplatsnummer nr nummer housenumber addr:housenumber addr_housenumber husnummer gatunummer "
        "nr_littera adrplats adressplats adressplat adresspl_1 addressplace"
    ),
    "letter": "bokstavstillagg littera litt bokstav",
    "supplement_kind": "lagestillagg",
    "supplement_number": "lagestillaggsnummer",
    "deviating": "avvikandeadressplatsbeteckning",
    "deviates": "avvikerfranstandarden",
    "postal_code": "postnummer postnr postcode postalcode addr:postcode addr_postcode",
    "post_town": "postort postcity stad city addr:city addr_city ort",
    "kommundel": "kommundel_faststalltnamn kommundel komdellage komdel",
    "popular_name": "popularnamn",
    "status": "statusforbelagenhetsadress status",
    "kommun": "kommunkod kommun_kod knkod",
    "kommun_name": "kommunnamn",
    "east": "e ost easting x x_koord sweref_e sweref99_e e_koord lon longitude long lng",
    "north": "n nord northing y y_koord sweref_n sweref99_n n_koord lat latitude",
}
FAMILIES: dict[str, tuple[str, ...]] = {meaning: tuple(names.split()) for meaning, names in _NAMES.items()}
"""Meaning → names seen, best first."""
DEGREES = frozenset({"lon", "longitude", "long", "lng", "stop_lon"})
"""Names that say degrees."""


def propose(names: Sequence[str]) -> dict[str, str]:
    """Meaning → the file's column, for all that are recognised. Whole-address columns only without a street column."""
    by_name = {plain(n).replace(" ", "").replace("-", "_"): n for n in names}
    found = {
        meaning: by_name[known[0]]
        for meaning, wanted in FAMILIES.items()
        if (known := [w for w in wanted if w in by_name])
    }
    if "street" in found:
        found.pop("address", None)
    return found


def override(proposal: Mapping[str, str], given: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """The proposal with what a person says: ``meaning=column``. ValueError names what is unknown."""
    chosen = dict(proposal)
    for pair in given:
        meaning, _, column = pair.partition("=")
        if meaning not in FAMILIES:
            raise ValueError(f"{meaning}: {', '.join(FAMILIES)}")
        if column and column not in names:
            raise ValueError(f"{column}: {', '.join(names)}")
        if column:
            chosen[meaning] = column
        else:
            chosen.pop(meaning, None)
    return chosen
