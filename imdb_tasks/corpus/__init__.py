"""From reviews and GloVe vectors to arrays and the data card."""
