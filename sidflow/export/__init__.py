"""What a release gives to others: tables, rankers' features, language models' corpora."""
