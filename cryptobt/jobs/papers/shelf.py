"""The papers by name."""

from cryptobt.core.errors import UsageError, did_you_mean
from cryptobt.jobs.papers import ath_cryptonet, dual_attention, intraday_multistep, window_bilstm
from cryptobt.jobs.papers.paper import Paper

PAPERS = {
    module.PAPER.name: module.PAPER
    for module in (dual_attention, ath_cryptonet, intraday_multistep, window_bilstm)
}


def find_paper(name: str) -> Paper:
    """Look a paper up.

    Raises
    ------
    UsageError
        With the nearest known name.
    """
    if name not in PAPERS:
        raise UsageError(f"unknown paper '{name}'; {did_you_mean(name, PAPERS)}")
    return PAPERS[name]
