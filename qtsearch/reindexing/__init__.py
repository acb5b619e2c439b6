"""From folders of articles to a published segment: what is there, what has changed, what was done."""
