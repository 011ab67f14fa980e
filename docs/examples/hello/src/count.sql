-- The greeting arrives as a bound value, never as text inside the statement.
SELECT :greeting AS greeting, LENGTH(:greeting) AS letters;
