"""Text for people and for searching: Markdown, LaTeX, sentences and snippets, how words look and sound."""
