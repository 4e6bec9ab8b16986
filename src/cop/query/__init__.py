"""The one way from a question to bytes: parameters, question, plan, SQL, answer."""
