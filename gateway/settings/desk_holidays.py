"""A country's public holidays as a base for a contract's own list: days taken out, days added, years that are named.

The list comes from the ``holidays`` package; its version is locked with Presa, so that a calendar only changes when
somebody changes it. Refuses to reach beyond the years that the desk's file names.
"""

from functools import lru_cache

from gateway.settings.desk_model import HolidaySection
from routing.calendars import Holiday, Period


def country_days(section: HolidaySection) -> tuple[tuple[int, int, int, str], ...]:
    """(year, month, day, English name) of every day of the base. Raises ValueError for a country nobody knows."""
    country, _, part = (section.base or "").partition("-")
    return _days(country, part or None, section.since, section.until)


def of(section: HolidaySection, periods: tuple[Period, ...]) -> tuple[Holiday, ...]:
    """The holidays of one entry of the desk's file; ``periods``: the hours that the calendar keeps on them."""
    if section.base is None:
        return (Holiday(section.name, *(section.on or (0, 0)), section.easter, section.since, section.until, periods),)
    without = set(section.without)
    return tuple(
        Holiday(name, month, day, None, year, year, periods)
        for year, month, day, name in country_days(section)
        # Two holidays on one date are one entry of the list: the day stays while one of them does.
        if f"{month:02d}-{day:02d}" not in without and not without.issuperset(name.split("; "))
    )


@lru_cache(maxsize=32)
def _days(country: str, part: str | None, since: int, until: int) -> tuple[tuple[int, int, int, str], ...]:
    import holidays  # a tenth of a second, for those who need it

    try:
        found = holidays.country_holidays(country, subdiv=part, years=range(since, until + 1), language="en_US")
    except NotImplementedError as error:
        raise ValueError(f"the country {country!r}{f' with {part!r}' if part else ''}, which has no list") from error
    return tuple((day.year, day.month, day.day, str(name)) for day, name in sorted(found.items()))
