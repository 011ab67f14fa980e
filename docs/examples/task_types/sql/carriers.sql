SELECT carrier, flights FROM task_types.flights
WHERE flights >= CAST(:least AS INTEGER) ORDER BY carrier;
