"""Settings that are ways of papers: there to show what a flaw is worth, and never unsaid."""

from cryptobt.core.settings import Settings


def paper_ways(settings: Settings) -> list[str]:
    """Say of each setting that lets a test know more than it should, what it does, in one line."""
    chosen = settings.walkforward
    ways = {
        "features.scaler_sees=everything: scalers have seen the bars that are forecast, as in some "
        "papers; no forecast made at its time could have that": (
            settings.features.scaler_sees == "everything"
        ),
        f"walkforward.split=single: one fit for the last {100 * chosen.test_share:g}% of the "
        "windows, as in some papers; one stretch of one market, where folds test every refit": (
            chosen.split == "single"
        ),
        "walkforward.validation=shuffled: windows to validate with share most of their bars with "
        "those learnt from, as in some papers; the validation loss is too good": (
            chosen.validation == "shuffled"
        ),
    }
    return [line for line, used in ways.items() if used]
