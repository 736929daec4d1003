"""Made-up CSV files in the layout of EPITOME's: a level for every reply to a seeker's post."""

from pathlib import Path

from attune.core.files import write_csv

FILES = ("emotional-reactions", "interpretations", "explorations")
# Replies by level: what they say is what decides it.
REPLIES = {
    "0": "Post this elsewhere, rule {at}.",
    "1": "That is sad, day {at}.",
    "2": "I feel so very sorry for you, {at}!",
}


def write_labels(folder: Path, posts: int = 12) -> None:
    """Three replies to each post, one of each level."""
    rows = [
        {
            "sp_id": f"s{at}", "rp_id": f"r{at}{level}", "seeker_post": f"I lost my job, week {at}.",
            "response_post": text.format(at=at), "level": level, "rationales": "",
        }
        for at in range(posts)
        for level, text in REPLIES.items()
    ]  # fmt: skip
    for name in FILES:
        write_csv(folder / f"{name}-reddit.csv", rows)
