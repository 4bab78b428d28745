"""The language of filters and expressions: Lytics' FilterQL and the operands of its LQL. Text becomes a tree here."""
