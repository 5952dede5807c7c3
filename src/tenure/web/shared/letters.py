"""Letters in the reader's language. Placeholder of words: see ``put_into_words``."""


def put_into_words(code, facts, language):
    return code, repr(facts)
