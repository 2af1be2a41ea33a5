-- system.forget_worker
DELETE FROM workers w WHERE w.id = :id
