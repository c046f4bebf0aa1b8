"""Hard pairs that come of families, names, scripts, and people who are others."""

from collections.abc import Iterator

from tests.quality.hard_people import (
    MRN,
    NATIONAL,
    alone,
    also,
    but,
    crossed,
    date_digit,
    elsewhere,
    initial,
    moved,
    name_typo,
    no_phone,
    numbered,
    opposite,
    same,
    sibling_name,
    years_later,
)
from tests.quality.hard_scenario import (
    CERTAIN,
    POSSIBLE,
    PROBABLE,
    Scenario,
    at_work,
    called,
    category,
    child,
    common,
    jr,
    new_family,
    sr,
    written,
)


def of_relatives() -> Iterator[Scenario]:
    yield from category(
        "twins",
        ("another given name, all else the same", "possible", sibling_name),
        ("brother and sister", "possible", opposite),
        ("one given name on both, but first and second born", "probable", but(twin=1), but(twin=2)),
        (
            "registered at one visit, one number after the other",
            "possible",
            also(sibling_name, numbered((MRN, "7714501"))),
            numbered((MRN, "7714502")),
        ),
        (
            "registered under the twin's own number",
            PROBABLE,
            also(sibling_name, numbered((MRN, "7714501"))),
            numbered((MRN, "7714501")),
        ),
    )
    yield from category(
        "junior and senior",
        ("suffixes differ, all else the same", "probable", jr, sr),
        ("one name, a generation apart", POSSIBLE, years_later(27)),
        ("a suffix on one side says nothing", "certain", jr),
        (
            "the father died before the son was born",
            POSSIBLE,
            years_later(27),
            lambda known: {"deceasedDateTime": f"{int(known['birthDate'][:4]) + 26}-02-03"},
        ),
    )
    yield from category(
        "household siblings",
        ("three years younger", POSSIBLE, also(sibling_name, years_later(3))),
        ("one digit of the birth year apart", POSSIBLE, also(sibling_name, date_digit(3))),
        ("mother and daughter", POSSIBLE, also(sibling_name, years_later(25))),
        ("husband and wife", POSSIBLE, also(opposite, years_later(2))),
        ("of one initial", POSSIBLE, also(called("Margery"), years_later(3)), called("Martha")),
    )
    yield from category(
        "newborn without a name",
        (
            "Baby Boy, and the name he was given",
            "probable",
            also(child, but(given=["Baby", "Boy"], gender="male")),
            also(child, but(given=["Oliver"], gender="male")),
        ),
        (
            "twins, both without a name",
            "probable",
            also(child, but(given=["Baby Girl A"], gender="female", twin=1)),
            also(child, but(given=["Baby Girl B"], gender="female", twin=2)),
        ),
        (
            "in another language",
            "probable",
            also(child, but(given=["Recién Nacido"])),
            also(child, but(given=["Mateo"])),
        ),
        (
            "a boy is not his sister",
            "possible",
            also(child, but(given=["Baby Boy"], gender="male")),
            also(child, but(given=["Ruth"], gender="female")),
        ),
    )
    yield from category(
        "adoption",
        ("another family name, home and phone", POSSIBLE, also(child, new_family, elsewhere), child),
        (
            "the number is kept",
            "certain",
            also(child, new_family, elsewhere, numbered((NATIONAL, "314159265"))),
            also(child, numbered((NATIONAL, "314159265"))),
        ),
        (
            "the old name is on record",
            PROBABLE,
            also(
                child,
                elsewhere,
                lambda known: {
                    "names": [
                        {"family": "Westergaard", "given": known["given"]},
                        {"use": "old", "family": known["family"], "given": known["given"]},
                    ]
                },
            ),
            child,
        ),
        (
            "both names are new, the number is kept",
            "probable|possible|certainly-not",
            also(child, new_family, sibling_name, numbered((NATIONAL, "314159265"))),
            also(child, numbered((NATIONAL, "314159265"))),
        ),
    )


def of_names() -> Iterator[Scenario]:
    yield from category(
        "maiden name",
        ("another family name, same home and phone", "certain", new_family),
        (
            "the earlier name is on record",
            "certain",
            lambda known: {
                "names": [
                    {"family": "Westergaard", "given": known["given"]},
                    {"use": "maiden", "family": known["family"]},
                ]
            },
        ),
        ("double-barrelled", "certain", lambda known: {"family": f"Westergaard-{known['family']}"}),
        ("moved too, the phone is kept", CERTAIN, also(new_family, moved)),
        ("nothing of the old life is kept", POSSIBLE, also(new_family, elsewhere)),
    )
    yield from category(
        "names in each other's field",
        ("all else the same", "certain", crossed),
        ("moved, the phone is kept", "certain", also(crossed, moved)),
        ("nothing else is known", "probable", also(crossed, alone), alone),
        (
            "a middle name between them",
            "certain",
            lambda known: {"family": known["given"][0], "given": [known["family"], "Rose"]},
            lambda known: {"given": [known["given"][0], "Rose"]},
        ),
    )
    yield from category(
        "compound family names",
        ("one of two Spanish names", "certain", written("García Lorca", "Ana"), written("García", "Ana")),
        (
            "the last of three Portuguese ones",
            "certain",
            written("da Silva Santos", "Rui"),
            written("Santos", "Rui"),
        ),
        (
            "a hyphen, a space, nothing",
            "certain",
            written("Smith-Westing", "Ada"),
            written("Smithwesting", "Ada"),
        ),
        (
            "with and without particles",
            "certain",
            written("van der Berg", "Kees"),
            written("Vanderberg", "Kees"),
        ),
        (
            "a cousin with one name in common",
            POSSIBLE,
            also(written("García Lorca", "Ana"), elsewhere),
            also(written("Lorca Vidal", "Inés"), years_later(4)),
        ),
    )
    yield from category(
        "names of one word",
        ("first and last name unknown", "certain", written("Sureshan", "FNU"), written("LNU", "Sureshan")),
        (
            "the same word",
            "certain",
            but(names=[{"given": ["Sureshan"]}]),
            but(names=[{"given": ["Sureshan"]}]),
        ),
        (
            "once as a given, once as a family name",
            PROBABLE,
            but(names=[{"given": ["Sureshan"]}]),
            but(names=[{"family": "Sureshan"}]),
        ),
        (
            "another person's word",
            POSSIBLE,
            also(but(names=[{"given": ["Sureshan"]}]), no_phone),
            but(names=[{"given": ["Lakshmi"]}]),
        ),
    )
    yield from category(
        "nickname",
        ("English", "certain", called("Peggy"), called("Margaret")),
        ("Spanish", "certain", called("Pepe"), called("José")),
        ("Russian, moved, same phone", "certain", also(called("Саша"), moved), called("Александр")),
        ("nothing else is known", PROBABLE, also(called("Bill"), alone), also(called("William"), alone)),
        ("two names of one nickname", POSSIBLE, called("Alberta"), called("Robert")),
    )
    yield from category(
        "initial",
        ("for the given name", CERTAIN, initial),
        (
            "of a middle name",
            "certain",
            lambda known: {"given": [known["given"][0], "Q"]},
            lambda known: {"given": [known["given"][0], "Quincy"]},
        ),
        ("nothing else is known", PROBABLE, also(initial, alone), alone),
        ("another initial", POSSIBLE, called("Z."), same),
    )
    yield from category(
        "typing error in a name",
        ("two letters of the given name", "certain", name_typo),
        ("a letter of the family name", "certain", lambda known: {"family": known["family"][:-1]}),
        ("in both", "certain", also(name_typo, lambda known: {"family": known["family"] + "e"})),
        ("nothing else is known", PROBABLE, also(name_typo, alone), alone),
    )


def of_scripts() -> Iterator[Scenario]:
    yield from category(
        "another script",
        ("Chinese", "certain", written("王", "小龙"), written("Wang", "Xiaolong")),
        ("Korean", "certain", written("김", "민준"), written("Kim", "Minjun")),
        ("Cyrillic", "certain", written("Щербаков", "Юрий"), written("Shcherbakov", "Yuri")),
        (
            "Arabic: the vowels are not written",
            "probable",
            written("الأحمد", "محمد"),
            written("Al-Ahmad", "Mohamed"),
        ),
        ("another Chinese name in the same house", POSSIBLE, written("王", "伟"), written("Wang", "Fang")),
    )
    yield from category(
        "accents and marks",
        ("with and without", "certain", written("Núñez", "José"), written("NUNEZ", "JOSE")),
        (
            "umlauts in one letter and in two",
            "certain",
            written("Müller", "Jörg"),
            written("Mueller", "Joerg"),
        ),
        ("apostrophes", "certain", written("O'Brien", "D’Arcy"), written("OBrien", "Darcy")),
        (
            "Vietnamese, and its order",
            "certain",
            but(names=[{"text": "Nguyễn Văn An"}]),
            written("Nguyen", "Van An"),
        ),
    )


def of_strangers() -> Iterator[Scenario]:
    yield from category(
        "shared phone",
        (
            "colleagues under the office's number",
            "certainly-not",
            also(new_family, sibling_name, years_later(11), at_work),
            at_work,
        ),
        ("mother and daughter", POSSIBLE, also(sibling_name, years_later(29), moved)),
        ("two people of one flat", POSSIBLE, also(new_family, opposite, years_later(1))),
        (
            "a shelter's phone and address, one birth year",
            POSSIBLE,
            also(new_family, sibling_name, years_later(0)),
        ),
    )
    yield from category(
        "namesake of one birth date",
        ("a common name, elsewhere", POSSIBLE, also(common, elsewhere), common),
        ("a common name, nothing else is known", PROBABLE, also(common, alone), also(common, alone)),
        ("a rare name, elsewhere: moved, most likely", PROBABLE, elsewhere),
        (
            "a rare name, and two national numbers",
            POSSIBLE,
            also(elsewhere, numbered((NATIONAL, "314159265"))),
            numbered((NATIONAL, "271828182")),
        ),
    )
    yield from category(
        "namesake of another town",
        ("another birth date", POSSIBLE, also(elsewhere, years_later(8))),
        ("the same birth year", POSSIBLE, also(elsewhere, years_later(0))),
        (
            "a common name without a birth date",
            POSSIBLE,
            also(common, elsewhere, but(birthDate=None)),
            common,
        ),
        (
            "a common name of one postal code",
            POSSIBLE,
            also(common, years_later(8), but(line="99 Mill Row", phone=None)),
            common,
        ),
    )
